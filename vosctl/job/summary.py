"""What a run did and cost: what is printed at its end, and its report."""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from vosctl.job.review import Span
from vosctl.version import __version__


@dataclass(frozen=True)
class Summary:
    """What a run did and cost; the report."""

    clip: str
    frames: int
    """How many frames have results now, those of an interrupted run included."""
    kept: int
    """How many of these had results before."""
    size: tuple[int, int]
    """(width, height) of the clip."""
    network_size: tuple[int, int]
    """(width, height) that the networks saw."""
    objects: tuple[int, ...]
    """The ids of the objects, in the order in which they joined."""
    model: str
    refined: bool
    """False where the masks are the enlarged coarse scores alone (D-only)."""
    device: str
    precision: str
    """The dtype of the networks."""
    seconds_to_first_mask: float
    """Seconds from the start of the run; the model had been loaded before."""
    model_frames_per_second: float
    """Frames a second as the papers count: the first frame's work included, reading and writing not."""
    frames_per_second: float
    """Frames a second from the first byte read to the last one written."""
    mean_latency: float | None
    """Seconds from the arrival of a stream's frame to its masks' being written; None for a file."""
    latency_95: float | None
    """The latency that 95 of 100 frames do not exceed; None for a file."""
    dropped: int
    """Frames of a stream that came faster than they could be tracked, and were passed over."""
    peak_memory_mb: float
    """The most memory that this process has had on the host."""
    peak_device_memory_mb: float | None
    """The most memory that was in use on the GPU; None on a CPU."""
    broken: str | None
    """How the clip broke off before its end; None where it did not."""
    stopped: str | None
    """Which object was lost where the run ended; None where it ran on."""
    lost: tuple[Span, ...]
    """Where objects have vanished or are likely lost; empty where nobody asked for confidences."""
    review: tuple[Span, ...]
    """Where objects should be looked at."""
    notes: tuple[str, ...]
    """What people should know of the results."""
    precision_reason: str = ""
    """Why the dtype is this one: as asked, or what the device has; empty in summaries of older versions."""
    version: str = __version__

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The summary that `to_json` has made plain data of."""
        tuples = {name: tuple(data[name]) for name in ("size", "network_size", "objects", "notes")}
        spans = {name: tuple(Span(**span) for span in data[name]) for name in ("lost", "review")}
        return cls(**{**data, **tuples, **spans})


def peak_memory_mb() -> float:
    """The most memory that this process has had, in megabytes; 0 on Windows, where Python cannot tell."""
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3  # bytes there, kilobytes on Linux
