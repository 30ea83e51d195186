"""The model of FRTM: the networks F and S, and how D is fitted."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import torch
from torch import nn

from vosctl.compute.graphs import Captured, GraphRoom
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
    graphs: GraphRoom = field(default_factory=GraphRoom, kw_only=True, repr=False)
    """What these graphs share."""

    def prepare(self, device: torch.device, dtype: torch.dtype) -> Self:
        """Make the networks fit for inference, in place: see `Model`."""
        self.drop_graphs()
        self.graphs = GraphRoom()
        return super().prepare(device, dtype)

    def drop_graphs(self) -> bool:
        """Give back the memory that graphs keep; says whether there were any."""
        there = any(captured.is_in_use for captured in self.captured.values())
        self.captured.clear()
        self.graphs.renew()
        return there

    @property
    def refined(self) -> bool:
        """Whether there is a refinement network."""
        return self.refinement is not None

    def networks(self) -> list[nn.Module]:
        """F, and S where there is one."""
        return [self.backbone] if self.refinement is None else [self.backbone, self.refinement]
