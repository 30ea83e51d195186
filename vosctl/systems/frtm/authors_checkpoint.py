"""Checkpoints of the FRTM authors: a dictionary whose `model` holds the refinement network alone."""

from pathlib import Path

from torch import Tensor

from vosctl.errors import WeightsError
from vosctl.systems.backbone import ResNet
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.weights_file import read_tensors
from vosctl.systems.weights_state import checked_state, show

# Input channels of the level that sees the backbone's layer3.
_ARCHITECTURE_OF_CHANNELS = {256: "frtm-rn18", 1024: "frtm-rn101"}


def read_authors_checkpoint(path: Path) -> tuple[str, dict[str, Tensor]]:
    """The architecture, and the network's parameters under `refinement.`.

    Raises:
        WeightsError: it cannot be read, is no such checkpoint, or has numbers that are not finite.
    """
    content = read_tensors(path).get("model")
    prefix = "refiner."
    key = f"{prefix}TSE.layer4.reduce.0.weight"
    if not isinstance(content, dict) or key not in content:
        raise WeightsError(
            f"{path}: not a checkpoint of the FRTM authors: expected 'model' with 'refiner.*' in it, "
            f"as in rn18_all.pth or rn101_all.pth"
        )
    content = checked_state({k: v for k, v in content.items() if str(k).startswith(prefix)}, path)
    channels = content[key].shape[1] if content[key].dim() > 1 else 0
    architecture = _ARCHITECTURE_OF_CHANNELS.get(channels)
    if architecture is None:
        raise WeightsError(f"{path}: layer4 has {channels} input channels; expected 256 or 1024")
    expected = RefinementNetwork(ResNet("resnet18" if channels == 256 else "resnet101").channels).state_dict()
    state = {name.removeprefix(prefix): value for name, value in content.items()}
    for name, value in expected.items():
        if name.endswith("num_batches_tracked"):
            state.setdefault(name, value)
        elif name not in state:
            raise WeightsError(f"{path}: has no refiner.{name}; the checkpoint is incomplete")
        elif state[name].shape != value.shape:
            found, wanted = tuple(state[name].shape), tuple(value.shape)
            raise WeightsError(f"{path}: refiner.{name} has shape {found}, expected {wanted}")
    if unknown := sorted(set(state) - set(expected)):
        raise WeightsError(
            f"{path}: has parameters that FRTM's refinement network does not: {show(unknown[0])}"
        )
    return architecture, {f"refinement.{name}": value for name, value in state.items()}
