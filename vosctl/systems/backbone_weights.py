"""ImageNet weights of a backbone: from a person's file, or torchvision's."""

from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from vosctl.errors import WeightsError
from vosctl.systems.backbone import backbone_named
from vosctl.systems.weights_file import read_tensors
from vosctl.systems.weights_state import checked_state


class BackboneWeights(NamedTuple):
    """The parameters of a ResNet, named as torchvision names them, in float32."""

    state: dict[str, Tensor]
    source: str
    """The file or address that they are from, for people."""


def read_backbone(path: Path) -> BackboneWeights:
    """Read a state dict of a torchvision ResNet.

    Raises:
        WeightsError: the file cannot be read, holds something else, or has numbers that are not finite.
    """
    content = read_tensors(path)
    state = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    if "conv1.weight" not in state or "layer3.0.conv1.weight" not in state:
        raise WeightsError(
            f"{path}: not the weights of a torchvision ResNet (conv1, layer1 to layer4 expected)"
        )
    return BackboneWeights(
        {
            key: value.float() if value.is_floating_point() else value
            for key, value in checked_state(state, path).items()
        },
        str(path),
    )


def download_backbone(name: str) -> BackboneWeights:
    """Fetch torchvision's weights, from its cache or its server; the hash in the file's name is checked.

    Args:
        name: of a backbone in `vosctl.systems.backbone`.

    Raises:
        WeightsError: torchvision has none, they cannot be fetched, or the file is not the one that was named.
    """
    # Here, since it takes two seconds, which nothing but a download is worth.
    from torchvision.models import get_weight  # type: ignore[import-untyped]

    enum = backbone_named(name).torchvision_weights
    if not enum:
        raise WeightsError(f"{name}: torchvision has no weights of it; use --backbone-weights FILE")
    weights = get_weight(enum)
    file = weights.url.rpartition("/")[2]
    state = fetch(
        weights,
        f"{file}: could not be fetched",
        f"; fetch {weights.url} elsewhere and pass it with --backbone-weights",
    )
    return BackboneWeights(state, weights.url)


def cached_file(url: str) -> Path:
    """Where the file of an address lies once it has been fetched."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]


def fetch(weights: Any, failure: str, advice: str) -> dict[str, Tensor]:
    """The parameters behind one of torchvision's weights enums, from its cache or its server.

    Args:
        weights: a member of the enum.
        failure: what to say where they cannot be had, before the reason.
        advice: what to do then, after it.

    Raises:
        WeightsError: they cannot be fetched, or their hash is not the one in the file's name.
    """
    try:
        return dict(
            weights.get_state_dict(map_location="cpu", check_hash=True, progress=False, weights_only=True)
        )
    except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors; a full disk, another hash
        raise WeightsError(f"{failure} ({' '.join(str(error).split())}){advice}") from error
