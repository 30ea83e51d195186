"""The numbers of Algorithm 1, with the paper's values as defaults but for t_s."""

from dataclasses import dataclass, replace
from typing import Self

from vosctl.errors import UsageError

AUTOMATIC_SIZE = 1280  # pixels: bounds memory, and objects keep about the size that the networks learned


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
    window: int = 8
    """Frames computed as one batch; 1 gives each mask at once. Never reaches over an update."""
    max_size: int | None = None
    """The longest side in pixels that the networks see; larger frames are reduced, masks are full size.
    None: as large as the frames."""
    seed: int = 0
    """The seed of the target models' random start and of the variations of the first frame."""

    def __post_init__(self) -> None:
        for name in ("update_interval", "memory_interval", "initial_samples", "window"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not 0 < self.learning_rate < 1:
            raise UsageError(f"learning_rate is {self.learning_rate}; it must lie between 0 and 1")
        if self.max_size is not None and self.max_size < 32:
            raise UsageError(f"max_size is {self.max_size}; it must be at least 32 pixels")

    def for_frames(self, width: int, height: int) -> Self:
        """The settings with a `max_size` for frames so large that memory would not be bounded without one."""
        if self.max_size is None and max(width, height) > AUTOMATIC_SIZE:
            return replace(self, max_size=AUTOMATIC_SIZE)
        return self
