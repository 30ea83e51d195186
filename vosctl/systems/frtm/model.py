"""The model of FRTM: the networks F and S, and how D is fitted."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import torch
from torch import nn

from vosctl.compute.graphs import Captured
from vosctl.systems.backbone import ResNet
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.frtm.target_model import FitSchedule
from vosctl.systems.model import Model


@dataclass
class FRTMModel(Model):
    """FRTM's networks and how D is fitted."""

    system: ClassVar[str] = "frtm"
    backbone: ResNet
    """F, the feature extractor, frozen."""
    refinement: RefinementNetwork | None
    """S; None leaves D alone, whose enlarged scores are then the result."""
    schedule: FitSchedule
    """The numbers of conjugate-gradient steps."""
    captured: dict[Any, Captured] = field(default_factory=dict, kw_only=True, repr=False)
    """The functions that CUDA replays as graphs, by what distinguishes them."""

    def prepare(self, device: torch.device, dtype: torch.dtype) -> Self:
        """Make the networks fit for inference, in place: see `Model`."""
        self.captured.clear()
        return super().prepare(device, dtype)

    @property
    def refined(self) -> bool:
        """Whether there is a refinement network."""
        return self.refinement is not None

    def networks(self) -> list[nn.Module]:
        """F, and S where there is one."""
        return [self.backbone] if self.refinement is None else [self.backbone, self.refinement]
