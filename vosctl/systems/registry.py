"""Models by name: the shipped ones, imported ones, files, and backbones from torchvision.

Names: an architecture (frtm-rn18, frtm-rn50, frtm-rn101, agame-rn18, agame-rn101), the FRTM paper's words for
two of them (ours-fast, ours), the name of a file in `weights/` or in the user's own folder of weights, or the
path of a model file.
"""

import os
from pathlib import Path

import torch

from vosctl.compute.devices import Precision, choose_device, choose_dtype, dtype_reason, fallback_note
from vosctl.errors import WeightsError
from vosctl.suggestion import suggestion
from vosctl.systems.backbone import find_backbone
from vosctl.systems.backbone_weights import BackboneWeights, read_backbone
from vosctl.systems.box.network import BoxNetwork, read_box_network
from vosctl.systems.box.spec import BOX_NETWORK, BOX_SPEC
from vosctl.systems.catalogue import architecture_name, find_architecture
from vosctl.systems.model import Model
from vosctl.systems.names import (
    DEFAULT,
    SUFFIX,
    aliases,
    architecture_names,
    available,
    file_in_folder,
    known_names,
)
from vosctl.systems.spec import LoadRequest, SystemSpec
from vosctl.systems.weights_file import WeightsFile, read_weights
from vosctl.systems.weights_state import show

_OF_A_BACKBONE = "frtm"  # the system that weights of a backbone alone make a model of


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
        DeviceError: there is no such device, or it does not work.
    """
    place = choose_device(device)
    dtype = choose_dtype(precision, place)
    file = _find(name) if name is not None or backbone_weights is None else None
    backbone = read_backbone(backbone_weights) if backbone_weights else None
    chosen = _architecture_of(name, file, backbone)
    found = find_architecture(chosen)
    if found is None or found[0].tracking is None:
        where = f"{file.path}: " if file else ""
        what = found[0].purpose if found else f"architecture {show(chosen)} is not known to this version"
        raise WeightsError(f"{where}{what}")
    request = LoadRequest(
        name=name or (file.path.stem if file else chosen),
        architecture=found[1],
        file=file,
        backbone=backbone,
        refinement=refinement,
        download=download,
    )
    model = found[0].tracking.load(request).prepare(place, dtype)
    model.dtype_reason = dtype_reason(precision, place)
    model.device_note = fallback_note(device)
    return model


def system_of(name: str | None, weights: Path | None = None) -> SystemSpec | None:
    """The system of a model that is not loaded yet; None for an architecture that is not known.

    Args:
        name: as `load_model` takes it.
        weights: its `backbone_weights`.

    Raises:
        WeightsError: there is no such model, or a file is damaged.
    """
    file = _find(name) if name is not None or weights is None else None
    found = find_architecture(_architecture_of(name, file, read_backbone(weights) if weights else None))
    return found[0] if found else None


def _find(name: str | None) -> WeightsFile | None:
    """The model file behind a name; None for an architecture without one.

    Raises:
        WeightsError: neither file nor architecture.
    """
    known = {path.stem: path for path in reversed(list(available()))}
    if name is None:
        if DEFAULT not in known:
            raise WeightsError(
                "no model is shipped with this version; use --backbone-weights FILE, a ResNet's ImageNet "
                "weights"
            )
        return read_weights(known[DEFAULT])
    architecture = aliases().get(name, name)
    for one in (name, architecture):
        if one in known:
            return read_weights(known[one])
    if architecture in architecture_names():
        return None
    if os.sep in name or name.endswith(SUFFIX) or Path(name).is_file():
        return read_weights(Path(name))
    raise WeightsError(f"{name}: no such model, and no model file; {suggestion(name, known_names())}")


def _architecture_of(name: str | None, file: WeightsFile | None, backbone: BackboneWeights | None) -> str:
    """The architecture that a model file has, a name stands for, or the weights of a backbone fit."""
    if file is not None:
        return file.architecture
    if name is not None:
        return aliases().get(name, name)
    assert backbone is not None  # without name and backbone there is the default's file
    return architecture_name(_OF_A_BACKBONE, find_backbone(backbone.state, backbone.source).name)


def load_box_network(device: torch.device) -> BoxNetwork:
    """The network that finds an object in its box: the user's own in its place, or the shipped one.

    Raises:
        WeightsError: the file is missing, damaged or not a box network.
    """
    return read_box_network(device, file_in_folder(BOX_SPEC.folder, BOX_NETWORK))
