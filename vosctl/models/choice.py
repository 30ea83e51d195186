"""Which model, as plain data that can be sent to another process; torch is imported only to load it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vosctl.models.devices import Precision
    from vosctl.models.model import Model


@dataclass(frozen=True)
class ModelChoice:
    """What `vosctl.models.registry.load_model` is asked for, but for the device."""

    name: str | None = None
    backbone_weights: Path | None = None
    refinement: Path | None = None
    precision: "Precision" = "auto"
    download: bool = False

    def load(self, device: str) -> "Model":
        """The model, ready on a device.

        Raises:
            WeightsError: there is no such model, or a file is damaged or does not fit.
            DeviceError: there is no such device.
        """
        from vosctl.models.registry import load_model

        return load_model(
            self.name,
            backbone_weights=self.backbone_weights,
            refinement=self.refinement,
            device=device,
            precision=self.precision,
            download=self.download,
        )
