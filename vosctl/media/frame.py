"""What every source of frames yields, whether a video file or a folder of images."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """One picture of a clip."""

    index: int
    """Counted from 0 in the order of display."""
    rgb: NDArray[np.uint8]
    """(H, W, 3), upright."""
    time: Fraction | None
    """Seconds on the clip's own clock, strictly increasing; None in a folder of images."""
    stem: str
    """Name of the results that belong to this frame: the image's stem, or the index as "00000"."""
    arrived: float | None = None
    """When it came out of a stream, by `time.perf_counter`; None in a file."""


@dataclass(frozen=True)
class Numbering:
    """How the frames of a part of a clip count in the whole clip."""

    start: int = 0
    """Index of the part's first frame."""
    every: int = 1
    """So many frames of the whole clip lie from one frame of the part to the next."""
    first: int | None = None
    """Number of the clip's first frame, where somebody has said it; then it counts, not the frames' names."""

    def number(self, index: int) -> int:
        """The number, in the whole clip, of a frame of the part."""
        return (self.first or 0) + self.start + index * self.every

    def index(self, whole: int) -> int | None:
        """The index within the part of a frame of the whole clip; None where the part does not have it."""
        past = whole - self.start
        return past // self.every if past >= 0 and past % self.every == 0 else None


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip before it has been read."""

    path: Path
    width: int
    """The width of the upright picture, in pixels."""
    height: int
    """The height of the upright picture, in pixels."""
    frame_count_hint: int | None
    """What the header claims, which may be wrong: for progress bars only."""
    rate: Fraction | None
    """Average frames per second by the header; None in a folder of images."""
    has_audio: bool
    is_folder: bool
    rotation: int = 0
    """Degrees counter-clockwise by which the stored pictures were turned to be upright: 0, 90, 180 or 270."""
    start_time: Fraction = Fraction(0)
    """Seconds on the clip's clock at which its earliest stream begins; not negative."""
    pixel_aspect: Fraction | None = None
    """Width of an upright pixel over its height, where it is given and not 1."""
    is_stream: bool = False
    """It can be read only once, and may have no end."""
    notes: tuple[str, ...] = ()
    """What people should know of its pictures."""
    numbering: Numbering = field(default_factory=Numbering)
    """How its frames count, where it is a part of a clip."""


class Clip(ABC):
    """A source of frames. Each iteration starts anew at the first frame and holds its own open file."""

    info: ClipInfo

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yields the frames in the order of display.

        Raises:
            ClipError: a frame cannot be read, or has another size than the first.
            TruncatedClipError: the clip breaks off; all frames before the break have been yielded.
        """

    def frames_from(self, start: int) -> Iterator[Frame]:
        """Yields the frames from index `start` on, the same as iterating gives."""
        return islice(iter(self), start, None)

    def times(self) -> Iterator[Fraction | None]:
        """Yields the times of all frames."""
        return (frame.time for frame in self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return  # nothing stays open between iterations
