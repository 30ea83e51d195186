"""The numbers of Algorithm 1: as they are best here by default, and as the paper prints them (`paper`)."""

from dataclasses import dataclass, replace
from typing import Literal, Self

from vosctl.errors import UsageError

Version = Literal["ours", "ours-fast"]
"""The two forms of FRTM's section 3.5."""
AUTOMATIC_SIZE = 1280  # pixels: bounds memory, and objects keep about the size that the networks learned

VIEW_NAMES = ("as it is", "mirrored", "smaller")
"""What `vosctl.systems.views` has."""

_COUNTS = (
    "update_interval", "memory_interval", "initial_samples", "initial_steps", "update_steps", "memory_size",
    "window",
)  # fmt: skip


@dataclass(frozen=True)
class TrackerSettings:
    """How a clip is tracked (FRTM sections 3.4 and 3.5)."""

    refine: bool = True
    """Use the refinement network S; without it the coarse scores, enlarged, are the result (D-only)."""
    update: bool = True
    """Adapt the target model while the clip runs."""
    update_interval: int = 4
    """t_s: frames between two updates. The paper has 8; every 4 costs little and is better where motion is
    fast, and a refinement network that sees the prior then sees a fresher one."""
    memory_interval: int = 4
    """Frames from one that is remembered to the next, counted back from an update. The paper remembers each;
    neighbours are so alike that every fourth, with four times the weight, does as well for a quarter of the
    work."""
    learning_rate: float = 0.1
    """eta: the share of the newest frame in the memory, in (0, 1), if each is remembered."""
    nearby: bool = True
    """Look for an object only around where it was at the last update; everywhere when it is lost."""
    initial_samples: int = 5
    """|M_0|: the first frame and its variations."""
    initial_steps: int | None = None
    """N_GN: Gauss-Newton steps of the first frame's fit. None: as many as the paper has for the backbone."""
    refit: bool = True
    """Fit w2 once more to the first frame's samples before the second frame. The paper does not."""
    update_steps: int | None = None
    """N_CGu: steps of conjugate gradients in an update. None: as many as the model has."""
    memory_size: int | None = None
    """K_max: so many samples are stored, and the one of the smallest weight makes room for the next. None:
    the memory is a matrix for each object, in which every sample counts for ever."""
    fine_tune: bool = False
    """Fit D and S together to the first frame, by gradient descent: the baseline F.-T. of Table 1."""
    prior: bool = True
    """Show S the object's mask at the last update and matches, if it was trained to see them. The paper's
    sees neither."""
    views: int = 1
    """How many views of each frame are followed, whose mean decides: 1 the frame itself, 2 its mirror image
    too, 3 and one that is smaller."""
    window: int = 8
    """Frames computed as one batch; 1 gives each mask at once. Never reaches over an update."""
    max_size: int | None = None
    """The longest side in pixels that the networks see; larger frames are reduced, masks are full size.
    None: as large as the frames."""
    seed: int = 0
    """The seed of the target models' random start and of the variations of the first frame."""

    def __post_init__(self) -> None:
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}; it must be at least 1")
        if not 0 < self.learning_rate < 1:
            raise UsageError(f"learning_rate is {self.learning_rate}; it must lie between 0 and 1")
        if self.memory_size is not None and self.memory_size < self.initial_samples:
            raise UsageError(
                f"memory_size is {self.memory_size}; it must have room for the first frame's "
                f"{self.initial_samples} samples"
            )
        if not 1 <= self.views <= len(VIEW_NAMES):
            raise UsageError(f"views is {self.views}; it must be from 1 to {len(VIEW_NAMES)}")
        if self.max_size is not None and self.max_size < 32:
            raise UsageError(f"max_size is {self.max_size}; it must be at least 32 pixels")

    @classmethod
    def best(cls) -> Self:
        """What gives the best masks, for about three times the time of the default."""
        return cls(views=len(VIEW_NAMES), update_interval=2)

    @classmethod
    def paper(cls, version: Version = "ours") -> Self:
        """The numbers as FRTM's paper prints them (sections 3.4 and 3.5), without what is new here.

        The memory stays a matrix, which no sample leaves; with eta = 0.1 those that K_max = 80 would have
        dropped weigh 0.0002 together. `memory_size` = 80 is the paper's own form.

        Args:
            version: "ours", or "ours-fast" with fewer steps.
        """
        fast = version == "ours-fast"
        return cls(
            update_interval=8,
            memory_interval=1,
            learning_rate=0.1,
            nearby=False,
            initial_samples=5,
            initial_steps=4 if fast else 5,
            refit=False,
            update_steps=5 if fast else 10,
            prior=False,
        )

    def for_frames(self, width: int, height: int) -> Self:
        """The settings with a `max_size` for frames so large that memory would not be bounded without one."""
        if self.max_size is None and max(width, height) > AUTOMATIC_SIZE:
            return replace(self, max_size=AUTOMATIC_SIZE)
        return self
