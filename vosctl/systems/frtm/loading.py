"""Making FRTM's model of the files that a person has named."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from vosctl.errors import WeightsError
from vosctl.systems.backbone import ResNet
from vosctl.systems.backbone_weights import BackboneWeights, download_backbone
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.refinement_fused import FusedRefinementNetwork
from vosctl.systems.frtm.target_model import OURS, OURS_FAST, FitSchedule
from vosctl.systems.spec import LoadRequest
from vosctl.systems.weights_file import WeightsFile, load_state, read_weights

_FAST = "resnet18"  # with the other backbones the paper has the longer schedule


def schedule_on(backbone: str) -> FitSchedule:
    """How D is fitted to the features of a backbone (FRTM section 3.5)."""
    return OURS_FAST if backbone == _FAST else OURS


@dataclass(frozen=True)
class _Refinement:
    """The parameters of S and the file that they are from."""

    state: dict[str, Tensor]
    source: str


def load_frtm(request: LoadRequest) -> FRTMModel:
    """Make the model, not yet prepared for a device.

    Raises:
        WeightsError: there is no backbone, it lacks layer4 where S needs it, or a file does not fit.
    """
    refinement = _find_refinement(request)
    weights = request.backbone or _own_backbone(request)
    if refinement and not any(key.startswith("layer4.") for key in weights.state):
        raise WeightsError(
            f"{weights.source}: has no layer4, which the refinement network needs; use whole ImageNet weights"
        )
    backbone = ResNet(request.architecture.backbone, stages=4 if refinement else 3)
    wanted = {key: value for key, value in weights.state.items() if key in backbone.state_dict()}
    load_state(backbone, wanted, weights.source)
    network = None
    if refinement:
        network = _network_for(refinement, backbone)
        load_state(network, refinement.state, refinement.source)
    return FRTMModel(
        request.name,
        backbone,
        network,
        schedule_on(request.architecture.backbone),
        source=weights.source,
        sha256=request.file.sha256 if request.file else None,
    )


def _network_for(refinement: _Refinement, backbone: ResNet) -> FusedRefinementNetwork:
    """S of the width that its parameters have, not yet loaded.

    Raises:
        WeightsError: they are of no such network.
    """
    try:
        return FusedRefinementNetwork.fitting(backbone.channels, refinement.state)
    except (KeyError, ValueError):
        raise WeightsError(
            f"{refinement.source}: holds no refinement network of this version; export it again"
        ) from None


def _find_refinement(request: LoadRequest) -> _Refinement | None:
    """S from its own file or the model's; None where neither has one."""
    file = request.file
    if request.refinement:
        file = _read_refinement(request.refinement, request.architecture.name)
    state = file.part("refinement") if file else {}
    return _Refinement(state, str(file.path)) if file and state else None


def _read_refinement(path: Path, architecture: str) -> WeightsFile:
    file = read_weights(path)
    if file.architecture != architecture:
        raise WeightsError(
            f"{path}: is for {file.architecture}, expected {architecture}; name a model that fits"
        )
    return file


def _own_backbone(request: LoadRequest) -> BackboneWeights:
    """The backbone of the model file, or torchvision's where that may be fetched."""
    state = request.file.part("backbone") if request.file else {}
    if request.file and state:
        return BackboneWeights(state, str(request.file.path))
    backbone = request.architecture.backbone
    if not request.download:
        raise WeightsError(
            f"{request.name}: no backbone at hand; use --backbone-weights FILE with ImageNet weights of a "
            f"{backbone}, or --download to fetch torchvision's"
        )
    return download_backbone(backbone)
