"""What every writer of masks takes, and what it promises."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vosctl.arrays import Image, Labels, Probability
from vosctl.errors import CUT_SHORT, MaskError


def default_name(object_id: int) -> str:
    """What an object is called that nobody has named."""
    return f"object {object_id}"


@dataclass(frozen=True)
class LabelledFrame:
    """One frame of a clip with its label map."""

    labels: Labels
    """The label map (H, W)."""
    stem: str
    """The name of the files that belong to this frame, such as "00000"."""
    time: Fraction | None = None
    """When the frame is shown, in seconds on the clip's own clock; None if nobody knows."""
    rgb: Image | None = None
    """The picture (H, W, 3), for the formats that show it."""
    soft: Mapping[int, Probability] | None = None
    """The probability (H, W) of each object that has been seen so far, for the formats that keep it."""
    scores: Mapping[int, NDArray[np.float32]] | None = None
    """How each object's model sees the frame, (K, h, w), where that was asked for and is known."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What the objects are called, by id, as far as somebody has said it; perhaps of more than are here."""

    mattes: Mapping[int, Probability] | None = None
    """How opaque each object of the label map is, (H, W), where its edge is to be soft; else it is hard."""
    confidences: Mapping[int, float] | None = None
    """How sure the tracker is of each object, 0 to 1, where that is known."""

    def matte(self, object_id: int) -> Probability:
        """How opaque an object is, (H, W): 0 or 1 where its edge is hard."""
        if self.mattes is not None and object_id in self.mattes:
            return self.mattes[object_id]
        return np.asarray(self.labels == object_id, np.float32)

    def opacity(self) -> NDArray[np.uint8]:
        """How opaque all objects together are, (H, W) from 0 to 255."""
        if not self.mattes:
            return np.where(self.labels > 0, np.uint8(255), np.uint8(0))
        together = sum(self.mattes.values(), np.zeros(self.labels.shape, np.float32))
        return np.asarray(np.rint(together.clip(0, 1) * 255), np.uint8)

    def name(self, object_id: int) -> str:
        """What an object is called in formats that need a name."""
        return self.names.get(object_id, default_name(object_id))


class ExportWriter(ABC):
    """Writes labelled frames of one size, in order; use it in a `with` statement.

    No file is ever half-written. If the block is interrupted (Ctrl-C), or its clip breaks off, what came
    before is kept and readable; after any other exception a format of one file leaves nothing, and one of
    many files leaves those that were whole.
    """

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None  # (height, width) of the first frame

    def write(self, frame: LabelledFrame) -> None:
        """Adds a frame.

        Raises:
            MaskError: the frame has another size than the first one.
            OutputError: it cannot be written.
        """
        height, width = frame.labels.shape
        if self._size is None:
            self._size = (height, width)
        elif self._size != (height, width):
            raise MaskError(
                f"mask {frame.stem} is {width}x{height}, but the first is {self._size[1]}x{self._size[0]}; "
                "give masks of one size"
            )
        self._add(frame)

    def replay(self, frame: LabelledFrame) -> None:
        """Adds a frame that an interrupted run has added before, without its probabilities.

        Raises:
            MaskError: the frame has another size than the first one.
            OutputError: it cannot be written.
        """
        self.write(frame)

    @abstractmethod
    def _add(self, frame: LabelledFrame) -> None:
        """Writes one frame."""

    @abstractmethod
    def _close(self, error: BaseException | None, keep: bool) -> None:
        """Completes the result if what came is to be kept, else takes back what is not whole."""

    @property
    def note(self) -> str | None:
        """What people should be told of the result; None if there is nothing to tell."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_cut = isinstance(error, CUT_SHORT) and self._size is not None
        self._close(error, keep=error is None or is_cut)
