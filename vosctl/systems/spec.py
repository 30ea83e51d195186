"""What the rest of the program has to know of a system, in one place: its `SystemSpec`.

A system is a method that follows objects (FRTM, A-GAME), or one that helps such a method (the box network).
Each describes itself in `spec.py` of its own folder; `vosctl.systems.catalogue` finds it by its name.

Nothing here imports torch: the names of models are wanted by shells, which complete them while a person
types. So the functions of a spec import what they need when they are called.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vosctl.compute.stopwatch import Stopwatch
    from vosctl.systems.backbone_weights import BackboneWeights
    from vosctl.systems.model import Model
    from vosctl.systems.settings import TrackerSettings
    from vosctl.systems.system import System
    from vosctl.systems.weights_file import WeightsFile


@dataclass(frozen=True)
class Architecture:
    """A system on one backbone."""

    name: str
    """The name for --model and in model files: frtm-rn18."""
    backbone: str
    """The name of a backbone in `vosctl.systems.backbone`: resnet18."""
    alias: str = ""
    """The paper's word for it, which --model takes too."""


@dataclass(frozen=True)
class LoadRequest:
    """What a system is given to make a model of."""

    name: str
    """What people call the model: the name or path that they gave, or the architecture."""
    architecture: Architecture
    file: "WeightsFile | None"
    """The model file, None where an architecture was named that has none."""
    backbone: "BackboneWeights | None" = None
    """Weights that take the place of the model's own backbone."""
    refinement: Path | None = None
    """A model file whose refinement network takes the place of the model's own."""
    download: bool = False
    """Whether torchvision's weights may be fetched where there is no backbone."""


def _counts_nothing(
    model: "Model", settings: "TrackerSettings", size: tuple[int, int], objects: int
) -> dict[str, float]:
    return {}


@dataclass(frozen=True)
class TrackingSpec:
    """How a system that follows objects does so."""

    load: Callable[[LoadRequest], "Model"]
    """Makes a model, not yet prepared for a device. Raises WeightsError where the files do not fit."""
    open: Callable[["Model", "TrackerSettings", "Stopwatch"], "System"]
    """Starts a clip, with no objects yet."""
    needs: str
    """What a person has to do about an architecture without a model file, for `vosctl weights list`."""
    count_operations: Callable[["Model", "TrackerSettings", tuple[int, int], int], dict[str, float]] = (
        _counts_nothing
    )
    """Operations by stage: see `vosctl.evaluation.operations.count_operations`."""
    d_only: bool = False
    """Whether it has the variants without a refinement network of the FRTM paper's Table 1."""
    ignores: frozenset[str] = frozenset()
    """The fields of `TrackerSettings` that it makes no use of; a benchmark neither takes nor records them."""


@dataclass(frozen=True)
class TrainingSpec:
    """How a system is trained. What trains lies above the systems, so it is named as "module:object"."""

    network: str
    """The subclass of `vosctl.training.backbone_training.BackboneTraining`."""
    validation: str
    """The class that scores a network in training; its `of` makes it for a recipe."""
    check_recipe: str = ""
    """A function of a recipe and its file's name that raises UsageError where they do not fit the system;
    empty where there is nothing to check."""
    source_kinds: tuple[str, ...] = ("clips", "still", "pasted")
    """The kinds of sources that it learns from."""
    fewest_frames: int = 2
    """How many frames a clip has at least: one reference, the others to be segmented."""
    options: str = ""
    """The recipe's table with the network's options, which go into its model files; empty for none."""
    stages: Literal[3, 4] = 4
    """How many stages of the backbone are trained."""
    dilated_layer4: bool = False
    """Whether the backbone's layer4 keeps stride 16."""
    recurrent: bool = True
    """Whether the network carries something from frame to frame, so that frames have to be in order of time
    wherever there is one."""


@dataclass(frozen=True)
class SystemSpec:
    """One system."""

    name: str
    """The name in recipes: frtm."""
    title: str
    """The name for people: FRTM."""
    architectures: tuple[Architecture, ...]
    purpose: str
    """What it is for, as the end of a sentence that begins with its model file."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """What a model file may hold beside the backbone: the prefix of its parameters and a name for people."""
    tracking: TrackingSpec | None = None
    """None for a system that follows nothing; --model then does not know its architectures."""
    training: TrainingSpec | None = None
    """None for a system that is not trained here."""
    folder: str = ""
    """Where its model files lie below a folder of weights; empty for those that --model can name."""
    verify: Callable[[Path], object] | None = None
    """Loads a model file to see whether it fits; None for a system that tracks, which has `load`."""

    @property
    def is_recurrent(self) -> bool:
        """Whether training has to show frames in order of time wherever there is one."""
        return self.training is not None and self.training.recurrent
