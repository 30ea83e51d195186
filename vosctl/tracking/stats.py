"""What a tracker's work costs."""

from dataclasses import dataclass


@dataclass
class TrackerStats:
    """What a run has cost so far; reading and writing files is not in it."""

    frames: int = 0
    """Frames yielded."""
    model_seconds: float = 0.0
    """Time spent computing, the first frame's work included."""
    first_mask_seconds: float = 0.0
    """Computing time until the first label map was there."""
    size: tuple[int, int] = (0, 0)
    """(width, height) that the networks saw."""

    @property
    def frames_per_second(self) -> float:
        """N / T as the paper counts it; 0 before anything was computed."""
        return self.frames / self.model_seconds if self.model_seconds else 0.0
