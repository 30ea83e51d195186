"""A model ready to track: networks folded, in their dtype, on their device."""

from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import nn

from vosctl.compute.devices import keep_host_memory
from vosctl.compute.fused import pack
from vosctl.compute.graphs import Captured
from vosctl.systems.agame.network import AGAME
from vosctl.systems.backbone import ResNet, fold_batch_norms
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.frtm.target_model import FitSchedule


@dataclass
class Model:
    """What the models of all systems have; made by `vosctl.systems.registry.load_model`."""

    name: str
    """As it was asked for, e.g. frtm-rn18."""
    backbone: ResNet
    """The feature extractor, frozen."""
    source: str = field(default="", kw_only=True)
    """Where the weights came from, for people."""
    sha256: str | None = field(default=None, kw_only=True)
    """Of the model file, None for weights from elsewhere."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"), kw_only=True)
    dtype: torch.dtype = field(default=torch.float32, kw_only=True)

    @property
    def refined(self) -> bool:
        """Whether its masks are finer than the coarse scores, enlarged."""
        return True

    @property
    def precision(self) -> str:
        """The dtype's name, such as bfloat16."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def device_name(self) -> str:
        """The GPU's own name; else cpu."""
        on_gpu = self.device.type == "cuda"
        return torch.cuda.get_device_name(self.device) if on_gpu else str(self.device)

    def networks(self) -> list[nn.Module]:
        """All networks."""
        return [self.backbone]

    def prepare(self, device: torch.device, dtype: torch.dtype) -> Self:
        """Make the networks fit for inference, in place.

        Args:
            device: where to compute.
            dtype: of the networks. D, the Gaussians and the aggregation are always float32.
        """
        self.device, self.dtype = device, dtype
        if device.type == "cpu":
            keep_host_memory()
        for network in self.networks():
            network.eval().requires_grad_(False)
            fold_batch_norms(network)
            network.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
            pack(network)
        return self


@dataclass
class FRTMModel(Model):
    """FRTM's networks and how D is fitted."""

    refinement: RefinementNetwork | None
    """S; None leaves D alone, whose enlarged scores are then the result."""
    schedule: FitSchedule
    """The numbers of conjugate-gradient steps."""
    captured: dict[Any, Captured] = field(default_factory=dict, kw_only=True, repr=False)
    """What CUDA replays as graphs, by what distinguishes it."""

    def prepare(self, device: torch.device, dtype: torch.dtype) -> Self:
        """See `Model`."""
        self.captured.clear()
        return super().prepare(device, dtype)

    @property
    def refined(self) -> bool:
        """Whether there is a refinement network."""
        return self.refinement is not None

    def networks(self) -> list[nn.Module]:
        """F, and S where there is one."""
        return [self.backbone] if self.refinement is None else [self.backbone, self.refinement]


@dataclass
class AGAMEModel(Model):
    """A-GAME; the backbone's layer4 is dilated."""

    network: AGAME
    """All but the backbone."""

    def networks(self) -> list[nn.Module]:
        """The backbone and the rest."""
        return [self.backbone, self.network]
