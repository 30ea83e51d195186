"""A model ready to track: networks folded, in their dtype, on their device."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Self

import torch
from torch import nn

from vosctl.compute.devices import keep_host_memory, set_tf32
from vosctl.compute.fused import pack
from vosctl.systems.backbone import fold_batch_norms


@dataclass
class Model(ABC):
    """What the models of all systems have; `vosctl.systems.registry.load_model` makes them."""

    system: ClassVar[str]
    """The name of the system that the model is for."""
    name: str
    """The name that was asked for, e.g. frtm-rn18."""
    source: str = field(default="", kw_only=True)
    """Where the weights came from, for people."""
    sha256: str | None = field(default=None, kw_only=True)
    """The hash of the model file, None for weights from elsewhere."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"), kw_only=True)
    dtype: torch.dtype = field(default=torch.float32, kw_only=True)
    dtype_reason: str = field(default="", kw_only=True)
    """Why it is this dtype, as words in brackets after its name."""
    device_note: str | None = field(default=None, kw_only=True)
    """Why it is on the CPU though there is a GPU, for the run's summary; None where that is not so."""

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
        """The name of the GPU, or cpu."""
        on_gpu = self.device.type == "cuda"
        return torch.cuda.get_device_name(self.device) if on_gpu else str(self.device)

    @abstractmethod
    def networks(self) -> list[nn.Module]:
        """All networks that have to be prepared."""

    def prepare(self, device: torch.device, dtype: torch.dtype) -> Self:
        """Make the networks fit for inference, in place.

        Args:
            device: where to compute.
            dtype: of the networks. D, the Gaussians and the aggregation are always float32.
        """
        self.device, self.dtype = device, dtype
        set_tf32(device, dtype)
        if device.type == "cpu":
            keep_host_memory()
        for network in self.networks():
            network.eval().requires_grad_(False)
            fold_batch_norms(network)
            network.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
            pack(network)
        return self
