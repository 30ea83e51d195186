"""The model of A-GAME: the backbone and the network behind it."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from vosctl.systems.agame.network import AGAME
from vosctl.systems.backbone import ResNet
from vosctl.systems.model import Model


@dataclass
class AGAMEModel(Model):
    """A-GAME's networks."""

    system: ClassVar[str] = "agame"
    backbone: ResNet
    """The feature extractor, whose layer4 is dilated."""
    network: AGAME
    """All but the backbone."""

    def networks(self) -> list[nn.Module]:
        """The backbone and the rest."""
        return [self.backbone, self.network]
