"""What a reproduction is given: the data, the models, the machine, how long trainings may take."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vosctl.errors import VosctlError, WeightsError
from vosctl.evaluation.datasets import Dataset
from vosctl.evaluation.progress import Progress
from vosctl.evaluation.variants import Variant
from vosctl.reproduction.target import Row
from vosctl.systems.catalogue import find_architecture
from vosctl.systems.choice import ModelChoice
from vosctl.systems.model import Model
from vosctl.systems.names import aliases
from vosctl.systems.presets import Preset, preset_of_backbone
from vosctl.systems.settings import TrackerSettings


@dataclass(frozen=True)
class Plan:
    """How targets are to be measured."""

    dataset: Dataset
    folder: Path
    """Where the results go, a folder for each target."""
    models: tuple[str, ...]
    """The models for the rows that name none."""
    progress: Progress
    device: str = "auto"
    jobs: int = 1
    overwrite: bool = False
    training_data: Mapping[str, Path] = field(default_factory=dict)
    """Where the data of recipes lies, by name."""
    download: bool = False
    """Whether torchvision's backbone may be fetched for a model that has none."""
    budget: float | None = None
    """Minutes for each training; None where nothing is to be trained."""

    @property
    def data(self) -> str:
        """What is measured on, for people."""
        count = len(self.dataset.sequences)
        names = ", ".join(sequence.name for sequence in self.dataset.sequences[:12])
        more = ", ..." if count > 12 else ""
        return f"{self.dataset.name} {self.dataset.split}, {count} sequences ({names}{more})"


@dataclass(frozen=True)
class Measured:
    """One row with one model, ready to be run."""

    row: Row
    choice: ModelChoice
    settings: TrackerSettings
    preset: Preset
    variant: Variant | None
    label: str
    key: str
    """Of the row's own folder."""

    @property
    def made_by(self) -> str:
        """The model and its settings, for people."""
        parts = [str(self.choice.name), self.preset.value]
        parts += [f"{name} {value:g}" for name, value in self.row.settings.items()]
        return ", ".join(parts)


def measured_rows(row: Row, plan: Plan) -> list[Measured]:
    """A row with its own model, or with each of those that the plan has."""
    names = (row.model,) if row.model else plan.models
    found = []
    for name in names:
        preset = Preset(row.preset) if row.preset else _preset_of(name)
        settings = replace(preset.settings, **row.settings)  # type: ignore[arg-type]
        label = row.label if row.model or len(names) == 1 else f"{row.label} ({name})"
        key = "".join(c if c.isalnum() else "-" for c in f"{row.label}-{Path(name).stem}").lower()
        variant = Variant(row.variant) if row.variant else None
        choice = ModelChoice(name, download=plan.download)
        found.append(Measured(row, choice, settings, preset, variant, label, key))
    return found


class Models:
    """Loads each model once.

    Args:
        device: where to compute.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._found: dict[ModelChoice, Model | VosctlError] = {}

    def get(self, choice: ModelChoice) -> Model:
        """The model, ready.

        Raises:
            VosctlError: it cannot be loaded, such as for want of weights.
        """
        if choice not in self._found:
            try:
                self._found[choice] = choice.load(self._device)
            except WeightsError as error:
                self._found[choice] = error
        found = self._found[choice]
        if isinstance(found, VosctlError):
            raise found
        return found


def _preset_of(name: str) -> Preset:
    """The paper's preset for a model, by its architecture's backbone; ours' for what is not known by name."""
    found = find_architecture(aliases().get(name, name))
    if found is None and "rn18" in name:
        return Preset.PAPER_FAST
    return preset_of_backbone(found[1].backbone if found else "")
