"""Training recipes: all that decides what a training run does. `recipe_file` reads and checks them."""

from dataclasses import dataclass, field
from typing import Literal

from vosctl.systems.agame.network import AGAMEOptions
from vosctl.systems.frtm.refinement import PUBLISHED
from vosctl.training.augment import Augmentation
from vosctl.training.sample import ClipOptions

TORCHVISION = "torchvision"
"""The `start` that stands for torchvision's weights."""


@dataclass(frozen=True)
class ModelRecipe:
    """What is trained, and from where it starts."""

    system: str = "frtm"
    """Which method: frtm, agame, or box, the network that finds an object in its box."""
    backbone: str = "resnet18"
    """Which ResNet F is: resnet18, resnet50 or resnet101."""
    start: str = ""
    """Name (as in --data NAME=PATH) of the file to start from: ImageNet weights of F, or a model file with F
    and S; "torchvision" for torchvision's ImageNet weights (IMAGENET1K_V1) of F, which are downloaded once;
    empty for a random start. Parts that the file lacks start at random."""
    refinement_start: str = ""
    """Name of a model file to start S from, after `start`; its backbone may be another."""
    prior: bool = False
    """Whether S sees, beside the score, the mask at the target model's last update."""
    encoder_width: int = PUBLISHED
    """Channels between the convolutions of S's encoders; 64 is faster than the published 65."""
    matching: bool = False
    """Whether S sees, beside score and prior, how much each cell is like remembered cells, and what other
    objects score."""
    checkpointing: bool = False
    """A-GAME: compute each frame a second time on the way back instead of keeping it, for long snippets."""


@dataclass(frozen=True)
class SourceRecipe:
    """Where clips come from."""

    kind: Literal["clips", "still", "pasted", "boxes"]
    """`clips`: real ones (DAVIS, YouTube-VOS or packed); `still`: an object moved within its photograph;
    `pasted`: cut-out objects on other photographs; `boxes`: for the box network, objects of photographs or of
    the frames of clips."""
    data: str
    """Name (as in --data NAME=PATH) of the clips, or of the folder of `images` and `masks`."""
    backgrounds: str = ""
    """The name of the folder of photographs, for `pasted`."""
    weight: float = 1.0
    """How often clips come from here, against the other sources."""
    without: tuple[str, ...] = ()
    """Sequences or photographs to leave out, as regular expressions; for `clips` and `boxes`."""
    share: float = 1.0
    """Which share of the sequences is drawn from, the same for a seed; for `clips`."""
    distractors: float = 0.0
    """Probability of one or two more objects, cut out of the photographs of `objects`, pasted over the clip
    as something that is not followed."""
    objects: str = ""
    """The name of the folder of `images` and `masks`, for `distractors`."""


@dataclass(frozen=True)
class StageRecipe:
    """A stretch of the training; sizes usually grow from stage to stage."""

    steps: int
    """How many optimiser steps."""
    batch: int
    """Clips per step and process."""
    size: tuple[int, int]
    """(H, W) of the frames."""
    frames: int = 3
    """Frames of a clip: one reference, the others to be segmented; the box network sees 1."""
    frame_gap: int = 0
    """0: frames in random order; n: in order of time, n apart at most, always for A-GAME and for FRTM in the
    steps with drift."""
    objects: int = 1
    """How many objects of a clip are followed at most, in the steps with several."""
    several: float = 0.0
    """Share of the steps that follow several objects; the others follow one."""
    rates: tuple[float, ...] = ()
    """First and last learning rate of the stage, with an exponential fall between them; none: the run's."""
    sources: tuple[str, ...] = ()
    """Names of the data that clips of this stage come from; none: all sources."""
    weight_decay: float = -1.0
    """The weight decay of the stage; below 0: the run's."""


@dataclass(frozen=True)
class TargetRecipe:
    """How the target model is fitted while S is trained."""

    schedule: tuple[int, ...] = (5, 10, 10, 10)
    """CG steps in each Gauss-Newton step."""
    drift: float = 0.0
    """Share of the steps in which, as in use, D is fitted again on the predictions so far before each next
    frame; and S sees the last of them, where frames are in order."""
    degrade: float = 0.0
    """Share of the clips whose reference mask is grown, shrunk or shifted a little before D sees it."""
    distort: float = 0.0
    """Share of the scores that get a false patch before S sees them; half as many get a hole."""
    through_fit: bool = False
    """Whether the gradient also takes the way through the fit of w2 (in the tracker the last of the first
    frame), into the features that it was fitted on; the paper's takes D's weights for given."""


@dataclass(frozen=True)
class LossRecipe:
    """Weights of the loss terms."""

    bce: float = 1.0
    """Binary cross-entropy per pixel (the paper's loss)."""
    iou: float = 0.0
    """One minus the soft intersection over union, per frame and object."""
    coarse: float = 1.0
    """A-GAME: binary cross-entropy of the coarse masks."""
    matching: float = 0.0
    """FRTM with matching: how badly the best matches tell the objects' cells from the rest."""


@dataclass(frozen=True)
class OptimizerRecipe:
    """AdamW and what goes with it."""

    learning_rate: float = 1e-3
    """The learning rate of S after the warm-up; it falls along a half cosine."""
    final_rate: float = 0.01
    """The learning rate's last value, as a share of the first."""
    layer4_rate: float = 0.0
    """The backbone's layer4 learns at this share of S's rate; 0 freezes it."""
    backbone_rate: float = 0.0
    """conv1 to layer3 learn at this share of S's rate; 0 freezes them, as the paper does."""
    stem_every: int = 1
    """conv1, layer1 and layer2 get a gradient in every n-th step only, which saves a quarter of the time."""
    weight_decay: float = 1e-5
    """Not applied to biases and normalisation."""
    decoupled: bool = True
    """Whether weights decay apart from the gradient (AdamW); else decay is a part of it (Adam)."""
    warmup: int = 100
    """Steps over which the rate rises from 0."""
    clip_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    freeze_statistics: float = 1.0
    """After this share of the steps, S's BatchNorm uses its running statistics, as in use: batches are
    small."""
    ema: float = 0.998
    """Decay of the moving average of the weights, which is what is validated and exported; 0 is none."""


@dataclass(frozen=True)
class ValidationRecipe:
    """A score through the real tracker, every so often; of the box network, the masks from boxes."""

    data: str = ""
    """Name of a folder in the DAVIS layout; empty for no validation."""
    every: int = 1000
    """Steps between two scores."""
    sequences: tuple[str, ...] = ()
    """Which sequences; none means all."""
    height: int = 240
    """Frames are scaled down to this height first; not for the box network."""
    patience: int = 0
    """The training ends after so many scores without a better one, and the checkpoint of the best score is
    kept as best.pt; 0: neither."""
    photos: str = ""
    """Box network: name of a folder of `images` and `masks`; those are scored that the sources leave out."""


@dataclass(frozen=True)
class Recipe:
    """All that decides what a training run does."""

    sources: tuple[SourceRecipe, ...]
    stages: tuple[StageRecipe, ...]
    model: ModelRecipe = ModelRecipe()
    target: TargetRecipe = TargetRecipe()
    agame: AGAMEOptions = field(default_factory=AGAMEOptions)
    loss: LossRecipe = LossRecipe()
    optimizer: OptimizerRecipe = OptimizerRecipe()
    clips: ClipOptions = field(default_factory=ClipOptions)
    augmentation: Augmentation = field(default_factory=Augmentation)
    validation: ValidationRecipe = ValidationRecipe()
    seed: int = 0
    """All random numbers of the run come from it."""
    precision: Literal["bf16", "float32"] = "bf16"
    """Dtype of F and S; D's fit is in float32 always."""
    merge: float = 0.5
    """Probability of taking all objects of a clip as one, as DAVIS 2016 does."""
    workers: int = 1
    """Processes that prepare clips; 0 prepares them in the training process."""
    checkpoint_every: int = 250
    """Steps between two checkpoints."""
    log_every: int = 20
    """Steps between two lines of the log."""
    text: str = field(default="", metadata={"derived": True})
    """The file as it was read."""

    @property
    def total_steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def data_names(self, resume: bool = False) -> list[str]:
        """The names that --data gives paths to; a run that is resumed needs none of those it started from."""
        start = "" if self.model.start == TORCHVISION else self.model.start
        names = [] if resume else [start, self.model.refinement_start]
        for source in self.sources:
            names += [source.data, source.backgrounds if source.kind == "pasted" else ""]
            names += [source.objects if source.distractors else ""]
        names += [self.validation.data, self.validation.photos]
        return [name for name in dict.fromkeys(names) if name]

    def stage_at(self, step: int) -> StageRecipe:
        """The stage that a step (0-based) belongs to."""
        return self.place_of(step)[0]

    def place_of(self, step: int) -> tuple[StageRecipe, int]:
        """The stage that a step belongs to, and which of the stage's steps it is; both from 0."""
        for stage in self.stages[:-1]:
            if step < stage.steps:
                return stage, step
            step -= stage.steps
        return self.stages[-1], step
