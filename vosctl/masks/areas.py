"""How large each object is over time."""

from dataclasses import dataclass

import numpy as np

from vosctl.masks.writer import LabelledFrame


@dataclass(frozen=True)
class ObjectArea:
    """One object in all frames of a clip."""

    object_id: int
    areas: tuple[int, ...]
    """How many pixels it has in each frame."""

    @property
    def seen(self) -> tuple[int, ...]:
        """The indexes of the frames that show it; there is at least one."""
        return tuple(index for index, area in enumerate(self.areas) if area)


class AreaCounter:
    """Counts the pixels of each object, frame by frame."""

    def __init__(self) -> None:
        self._counts: list[dict[int, int]] = []  # by id, a frame each

    @property
    def frames(self) -> int:
        """How many frames have been counted."""
        return len(self._counts)

    def add(self, frame: LabelledFrame) -> None:
        """Counts a frame."""
        counts = np.bincount(frame.labels.ravel())
        self._counts.append({int(i): int(counts[i]) for i in np.flatnonzero(counts) if i})

    def objects(self) -> list[ObjectArea]:
        """All objects that were seen, sorted by id."""
        ids = sorted({object_id for counts in self._counts for object_id in counts})
        return [
            ObjectArea(object_id, tuple(counts.get(object_id, 0) for counts in self._counts))
            for object_id in ids
        ]
