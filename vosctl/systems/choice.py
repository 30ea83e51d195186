"""The choice of a model as plain data, which can be sent to another process; only loading imports torch."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vosctl.compute.devices import Precision
    from vosctl.systems.model import Model


@dataclass(frozen=True)
class ModelChoice:
    """The arguments of `vosctl.systems.registry.load_model`, but for the device."""

    name: str | None = None
    backbone_weights: Path | None = None
    refinement: Path | None = None
    precision: "Precision" = "auto"
    download: bool = False

    def absolute(self) -> "ModelChoice":
        """The same choice with absolute paths, which hold in any working folder."""
        return replace(
            self,
            name=str(Path(self.name).absolute()) if self.name and Path(self.name).is_file() else self.name,
            backbone_weights=self.backbone_weights and self.backbone_weights.absolute(),
            refinement=self.refinement and self.refinement.absolute(),
        )

    def load(self, device: str) -> "Model":
        """The model, ready on a device.

        Raises:
            WeightsError: there is no such model, or a file is damaged or does not fit.
            DeviceError: there is no such device.
        """
        from vosctl.systems.registry import load_model

        return load_model(
            self.name,
            backbone_weights=self.backbone_weights,
            refinement=self.refinement,
            device=device,
            precision=self.precision,
            download=self.download,
        )

    def weights_of(self, model: "Model") -> dict[str, str]:
        """SHA-256 by file of what `load` has read, so that a result can be traced to the bytes that made it.

        A model that was given as a path goes by its file's name, so that another folder is no other model.

        Raises:
            WeightsError: a file cannot be read any more.
        """
        from vosctl.systems.weights_file import file_sha256

        name = Path(model.name).name
        weights = {name: model.sha256} if model.sha256 else {}
        weights |= {path.name: file_sha256(path) for path in (self.backbone_weights, self.refinement) if path}
        return weights or {name: model.source}
