"""A model ready to track: networks folded, in their number type, on their device."""

from dataclasses import dataclass, field

import torch

from vosctl.models.backbone import ResNet, fold_batch_norms
from vosctl.models.refinement import RefinementNetwork
from vosctl.models.target_model import FitSchedule


@dataclass
class Model:
    """FRTM's networks and how D is fitted; made by `vosctl.models.registry.load_model`."""

    name: str
    """As it was asked for, e.g. frtm-rn18."""
    backbone: ResNet
    """F, frozen."""
    refinement: RefinementNetwork | None
    """S; None leaves D alone, whose enlarged scores are then the result."""
    schedule: FitSchedule
    """The numbers of conjugate-gradient steps."""
    source: str
    """Where the weights came from, for people."""
    sha256: str | None = None
    """Of the model file, None for weights from elsewhere."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32

    def prepare(self, device: torch.device, dtype: torch.dtype) -> "Model":
        """Make the networks fit for inference, in place.

        Args:
            device: where to compute.
            dtype: of F and S. D and the aggregation are always float32.
        """
        self.device, self.dtype = device, dtype
        for network in (self.backbone, self.refinement):
            if network is not None:
                network.eval().requires_grad_(False)
                fold_batch_norms(network)
                network.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self
