"""What a run's weights start from: ImageNet weights of the backbone, or a model of an earlier run."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vosctl.errors import UsageError
from vosctl.systems.backbone_weights import fetch
from vosctl.systems.frtm.refinement import LEVELS, RefinementNetwork
from vosctl.systems.weights_file import read_tensors
from vosctl.training.backbone_training import BackboneTraining
from vosctl.training.recipe import TORCHVISION, ModelRecipe


def start_network(network: BackboneTraining, recipe: ModelRecipe, data: Mapping[str, Path]) -> None:
    """Start a network as the recipe's `start` says, which must not be empty.

    Raises:
        UsageError: the weights do not fit the recipe.
        WeightsError: they cannot be read or downloaded.
    """
    if recipe.start == TORCHVISION:
        load_torchvision(network.backbone, recipe.backbone)
    else:
        load_start(network, data[recipe.start])


def load_torchvision(backbone: nn.Module, name: str) -> None:
    """Start a backbone from torchvision's IMAGENET1K_V1 weights, whose hash is checked.

    Raises:
        WeightsError: they are not in torch's cache and cannot be downloaded, or are damaged.
    """
    # Its import takes two seconds, which nothing else here needs.
    from torchvision.models import get_model_weights  # type: ignore[import-untyped]

    weights = get_model_weights(name)["IMAGENET1K_V1"]
    state = fetch(
        weights,
        f"torchvision's weights of {name} cannot be downloaded from {weights.url}",
        ': fetch the file elsewhere, name it in the recipe (start = "weights") and give --data weights=FILE',
    )
    load_backbone(backbone, state, weights.url)


def load_start(network: BackboneTraining, path: Path) -> None:
    """Start the backbone, and what else of the network the file has; what it lacks keeps its random start.

    A network that sees the prior or matches may start from one that does not: the weights of those maps are
    0 then, so that it begins by computing the same. One with narrower encoders may start from one with wider:
    the channels that do least are left out.

    Args:
        network: in place.
        path: a state dict of a ResNet with torchvision's names, or a model file.

    Raises:
        UsageError: the file does not fit the recipe.
        WeightsError: the file cannot be read.
    """
    content = read_tensors(path)
    if "format" not in content:
        load_backbone(network.backbone, content, path)
        return
    state = content["state"]
    load_backbone(network.backbone, _part(state, "backbone."), path)
    for name, part in network.named_children():
        found = _part(state, f"{name}.")
        if part is network.backbone or not found:
            continue
        if isinstance(part, RefinementNetwork):
            _adapt(found, part)
        _load(part, found, path)


def load_refinement(network: BackboneTraining, path: Path) -> None:
    """Start S from a model whose backbone may be another: what does not fit the channels stays as it is.

    Only the first layer at each level sees the backbone's channels, so that a large model can go on from what
    a small one has learned.

    Args:
        network: in place; of FRTM.
        path: a model file.

    Raises:
        UsageError: the file holds no S, or one that differs in more than its inputs.
        WeightsError: the file cannot be read.
    """
    refinement = network.get_submodule("refinement")
    assert isinstance(refinement, RefinementNetwork)
    own = refinement.state_dict()
    found = _part(read_tensors(path).get("state", {}), "refinement.")
    if not found:
        raise UsageError(f"{path} holds no refinement network: give a model file of FRTM")
    _adapt(found, refinement)
    fitting = {name: own[name] if ".reduce.0." in name else value for name, value in found.items()}
    _load(refinement, fitting, path)


def load_backbone(backbone: nn.Module, state: Mapping[str, Any], path: Path | str) -> None:
    """Start a backbone from a state dict; what it lacks keeps its random start.

    Raises:
        UsageError: nothing in it fits.
    """
    own = backbone.state_dict()
    found = {
        name: value.float() if value.is_floating_point() else value
        for name, value in state.items()
        if name in own and isinstance(value, Tensor) and value.shape == own[name].shape
    }
    if "conv1.weight" not in found:
        raise UsageError(
            f"{path} does not fit the recipe's backbone: conv1.weight is missing or of another size"
        )
    backbone.load_state_dict(found, strict=False)


def _adapt(state: dict[str, Tensor], network: RefinementNetwork) -> None:
    """Add inputs for what an S does not see yet, and leave out channels of wider encoders."""
    wanted = network.state_dict()
    if network.matching is not None:
        for name, value in wanted.items():
            if name.startswith("matching."):
                state.setdefault(name, value)
    for level in LEVELS:
        names = [f"TSE.{level}.transform.{index}" for index in (0, 2, 4)]
        key = f"{names[0]}.weight"
        more = wanted[key].shape[1] - state[key].shape[1]
        if more > 0:
            state[key] = torch.cat([state[key], state[key].new_zeros(len(state[key]), more, 3, 3)], 1)
        for before, after in pairwise(names):
            incoming, outgoing = state[f"{before}.weight"], state[f"{after}.weight"]
            strength = incoming.flatten(1).norm(dim=1) * outgoing.transpose(0, 1).flatten(1).norm(dim=1)
            kept = strength.topk(min(network.width, len(strength))).indices.sort().values
            state[f"{before}.weight"], state[f"{after}.weight"] = incoming[kept], outgoing[:, kept]
            state[f"{before}.bias"] = state[f"{before}.bias"][kept]


def _load(network: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} does not fit the recipe's network: {reason[:200]}") from None


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value.float() for name, value in state.items() if name.startswith(prefix)
    }
