"""The model of Base net, and how it is made of its one file."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from vosctl.errors import WeightsError
from vosctl.systems.backbone import ResNet
from vosctl.systems.base_net.network import BaseNet
from vosctl.systems.model import Model
from vosctl.systems.spec import LoadRequest
from vosctl.systems.weights_file import load_state


@dataclass
class BaseNetModel(Model):
    """Base net's networks."""

    system: ClassVar[str] = "base-net"
    backbone: ResNet
    """F, frozen."""
    network: BaseNet
    """The target encoder and S."""

    def networks(self) -> list[nn.Module]:
        """The backbone and the rest."""
        return [self.backbone, self.network]


def load_base_net(request: LoadRequest) -> BaseNetModel:
    """Make the model, not yet prepared for a device.

    Raises:
        WeightsError: there is no file, other weights are to be mixed in, or the file does not fit.
    """
    name, file = request.name, request.file
    if request.backbone or request.refinement:
        raise WeightsError(
            f"{name}: a model of Base net is one file; leave out --backbone-weights and --refinement"
        )
    if file is None:
        raise WeightsError(
            f"{name}: no weights are shipped; train them with recipes/paper/base-net-rn18.toml and put what "
            f"'vosctl weights export' makes into the folder of weights as {name}.pt"
        )
    backbone = ResNet(request.architecture.backbone)
    network = BaseNet(backbone.channels)
    load_state(backbone, file.part("backbone"), str(file.path))
    load_state(network, file.part("base_net"), str(file.path))
    return BaseNetModel(name, backbone, network, source=str(file.path), sha256=file.sha256)
