"""Models by name: the shipped ones, imported ones, files, and backbones from torchvision.

Names: an architecture (frtm-rn18, frtm-rn50, frtm-rn101, agame-rn18, agame-rn101), the FRTM paper's words for
two of them (ours-fast, ours), the name of a file in `weights/` or in the user's own folder of weights, or the
path of a model file.
"""

import os
import re
from pathlib import Path
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor

from vosctl.compute.devices import Precision, choose_device, choose_dtype
from vosctl.errors import UsageError, WeightsError
from vosctl.suggestion import suggestion
from vosctl.systems.agame.network import AGAME, AGAMEOptions
from vosctl.systems.backbone import BackboneName, ResNet
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.frtm.target_model import OURS, OURS_FAST, FitSchedule
from vosctl.systems.model import AGAMEModel, FRTMModel, Model
from vosctl.systems.names import ALIASES, BOX_NETWORK, DEFAULT, SUFFIX, available, known_names
from vosctl.systems.weights_file import WeightsFile, read_tensors, read_weights

SystemName = Literal["frtm", "agame", "box"]


class Architecture(NamedTuple):
    """What a name stands for."""

    system: SystemName
    backbone: BackboneName
    url: str
    """torchvision's IMAGENET1K_V1 weights; the end of the file's name begins its SHA-256."""
    schedule: FitSchedule = OURS
    """How FRTM fits D."""


_TORCHVISION = "https://download.pytorch.org/models"
_RESNET18, _RESNET50, _RESNET101 = (
    f"{_TORCHVISION}/{file}.pth" for file in ("resnet18-f37072fd", "resnet50-0676ba61", "resnet101-63fe2227")
)
ARCHITECTURES = {
    "frtm-rn18": Architecture("frtm", "resnet18", _RESNET18, OURS_FAST),
    "frtm-rn50": Architecture("frtm", "resnet50", _RESNET50),
    "frtm-rn101": Architecture("frtm", "resnet101", _RESNET101),
    "agame-rn18": Architecture("agame", "resnet18", _RESNET18),
    "agame-rn101": Architecture("agame", "resnet101", _RESNET101),
}


def load_model(
    name: str | None = None,
    *,
    backbone_weights: Path | None = None,
    refinement: Path | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    download: bool = False,
) -> Model:
    """Load a model and make it ready.

    Args:
        name: see above; None for the shipped default, or with `backbone_weights` for the architecture that
            these fit.
        backbone_weights: a state dict of a torchvision ResNet, in place of the model's own backbone. layer4
            may be missing where there is no refinement network.
        refinement: a model file (or imported checkpoint) whose refinement network to use.
        device: auto, cpu or cuda:N.
        precision: of the networks.
        download: fetch the backbone as torchvision does where no other is given.

    Raises:
        WeightsError: there is no such model, or a file is damaged or does not fit.
        DeviceError: there is no such device.
    """
    place = choose_device(device)
    dtype = choose_dtype(precision, place)
    file = _find(name) if name is not None or backbone_weights is None else None
    if file is None and name is None and backbone_weights is None:
        raise WeightsError(
            "no model is shipped with this version; use --backbone-weights FILE, a ResNet's ImageNet weights"
        )
    backbone_state = _backbone_state(backbone_weights) if backbone_weights else None
    chosen = _architecture_name(name, file, backbone_state)
    architecture = ARCHITECTURES[chosen]
    if architecture.system == "agame":
        if backbone_weights or refinement:
            raise WeightsError(
                f"{name}: an A-GAME model is one file; leave out --backbone-weights and --refinement"
            )
        return _load_agame(name or chosen, architecture, file).prepare(place, dtype)

    refinement_file = _read_refinement(refinement, chosen) if refinement else file
    refinement_state = refinement_file.part("refinement") if refinement_file else {}
    source = str(backbone_weights or (file.path if file else ""))
    if backbone_state is None and file is not None:
        backbone_state = file.part("backbone")
    if not backbone_state:
        if not download:
            raise WeightsError(
                f"{name}: no backbone at hand; use --backbone-weights FILE with ImageNet weights of a "
                f"{architecture.backbone}, or --download to fetch torchvision's"
            )
        source = architecture.url
        backbone_state = _download(architecture)

    has_layer4 = any(key.startswith("layer4.") for key in backbone_state)
    if refinement_state and not has_layer4:
        raise WeightsError(
            f"{source}: has no layer4, which the refinement network needs; use whole ImageNet weights"
        )
    backbone = ResNet(architecture.backbone, stages=4 if refinement_state else 3)
    wanted = {k: v for k, v in backbone_state.items() if k in backbone.state_dict()}
    _load(backbone, wanted, source)
    network = None
    if refinement_state:
        network = RefinementNetwork.fitting(backbone.channels, refinement_state)
        _load(network, refinement_state, str(refinement_file.path if refinement_file else source))
    model = FRTMModel(
        name=name or (file.path.stem if file else chosen),
        backbone=backbone,
        refinement=network,
        schedule=architecture.schedule,
        source=source,
        sha256=file.sha256 if file else None,
    )
    return model.prepare(place, dtype)


def _load_agame(name: str, architecture: Architecture, file: WeightsFile | None) -> AGAMEModel:
    if file is None:
        raise WeightsError(f"{name}: no weights at hand; name a model file, as 'vosctl weights export' makes")
    try:
        options = AGAMEOptions(**file.options)
    except (TypeError, UsageError) as error:
        raise WeightsError(f"{file.path}: options that this version does not know: {error}") from None
    backbone = ResNet(architecture.backbone, dilated_layer4=True)
    network = AGAME(backbone.channels, options)
    _load(backbone, file.part("backbone"), str(file.path))
    _load(network, file.part("agame"), str(file.path))
    return AGAMEModel(name, backbone, network, source=str(file.path), sha256=file.sha256)


def architecture_name(system: SystemName, backbone: BackboneName) -> str:
    """The architecture of a system with a backbone.

    Raises:
        WeightsError: there is none.
    """
    if (system, backbone) == ("box", "resnet18"):
        return BOX_NETWORK
    for name, architecture in ARCHITECTURES.items():
        if (architecture.system, architecture.backbone) == (system, backbone):
            return name
    raise WeightsError(
        f"there is no architecture of {system} with {backbone}; known are {', '.join(ARCHITECTURES)}"
    )


def _find(name: str | None) -> WeightsFile | None:
    """The model file behind a name; None for an architecture without one.

    Raises:
        WeightsError: neither file nor architecture.
    """
    known = {path.stem: path for path in reversed(list(available()))}
    if name is None:
        return read_weights(known[DEFAULT]) if DEFAULT in known else None
    if name in known:
        return read_weights(known[name])
    architecture = ALIASES.get(name, name)
    if architecture in known:
        return read_weights(known[architecture])
    if architecture in ARCHITECTURES:
        return None
    if os.sep in name or name.endswith(SUFFIX) or Path(name).is_file():
        return read_weights(Path(name))
    raise WeightsError(f"{name}: no such model, and no model file; {suggestion(name, known_names())}")


def _architecture_name(
    name: str | None, file: WeightsFile | None, backbone_state: dict[str, Tensor] | None
) -> str:
    if file is not None:
        if file.architecture == BOX_NETWORK:
            raise WeightsError(f"{file.path}: finds objects in boxes (vosctl mask, --box); it tracks nothing")
        if file.architecture not in ARCHITECTURES:
            raise WeightsError(f"{file.path}: architecture {file.architecture} is not known to this version")
        return file.architecture
    if name is not None:
        return ALIASES.get(name, name)
    state = backbone_state or {}
    if "layer1.0.conv3.weight" not in state:
        return "frtm-rn18"
    blocks = {key.split(".")[1] for key in state if key.startswith("layer3.")}
    return "frtm-rn101" if len(blocks) > 6 else "frtm-rn50"


def _read_refinement(path: Path, architecture: str) -> WeightsFile:
    file = read_weights(path)
    if file.architecture != architecture:
        raise WeightsError(
            f"{path}: is for {file.architecture}, expected {architecture}; name a model that fits"
        )
    return file


def _backbone_state(path: Path) -> dict[str, Tensor]:
    content = read_tensors(path)
    state = {key: value for key, value in content.items() if isinstance(value, Tensor)}
    if "conv1.weight" not in state or "layer3.0.conv1.weight" not in state:
        raise WeightsError(
            f"{path}: not the weights of a torchvision ResNet (conv1, layer1 to layer4 expected)"
        )
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def _load(network: torch.nn.Module, state: dict[str, Tensor], source: str) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"{source}: does not fit {type(network).__name__}: {reason[:200]}") from None


def _download(architecture: Architecture) -> dict[str, Tensor]:
    """torchvision's weights, from its cache or its server; the hash in the name is checked."""
    file = re.sub(r".*/", "", architecture.url)
    try:
        state = torch.hub.load_state_dict_from_url(
            architecture.url, map_location="cpu", check_hash=True, progress=False, weights_only=True
        )
    except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors
        raise WeightsError(
            f"{file}: could not be fetched ({error}); fetch {architecture.url} elsewhere and "
            f"pass it with --backbone-weights"
        ) from error
    return cast(dict[str, Tensor], state)
