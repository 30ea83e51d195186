"""Where a run went wrong, or may have: what a person should look at first."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vosctl.job.frame_log import FrameEntry, ObjectInFrame

FEWEST_PIXELS = 10
"""An object of fewer pixels is not there."""
LOST_BELOW = 0.3
"""An object of less confidence is likely something else, or a rest of the object."""
REVIEW_BELOW = 0.7
"""An object of less confidence should be looked at."""
_GAP = 3  # frames of better confidence that do not end a span


def is_lost(one: ObjectInFrame) -> bool:
    """Whether an object has vanished or is likely lost."""
    return one.area < FEWEST_PIXELS or one.confidence < LOST_BELOW


@dataclass(frozen=True)
class Span:
    """Frames of one object that have something in common."""

    object_id: int
    first: int
    last: int
    """Included."""

    @property
    def frames(self) -> str:
        """The frames as people read them."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


class Review:
    """Collects spans, frame by frame."""

    def __init__(self) -> None:
        self._lost: dict[int, list[Span]] = {}
        self._doubtful: dict[int, list[Span]] = {}

    def add(self, entry: FrameEntry) -> None:
        """Adds a frame; in order."""
        for object_id, one in entry.objects.items():
            if is_lost(one):
                _extend(self._lost.setdefault(object_id, []), object_id, entry.index, gap=0)
            elif one.confidence < REVIEW_BELOW:
                _extend(self._doubtful.setdefault(object_id, []), object_id, entry.index, gap=_GAP)

    @property
    def lost(self) -> tuple[Span, ...]:
        """Where an object has vanished or is likely lost, by frame."""
        return _ordered(self._lost)

    @property
    def review(self) -> tuple[Span, ...]:
        """Where an object is there, but not well known, by frame."""
        return _ordered(self._doubtful)


def _extend(spans: list[Span], object_id: int, index: int, gap: int) -> None:
    if spans and index - spans[-1].last <= gap + 1:
        spans[-1] = Span(object_id, spans[-1].first, index)
    else:
        spans.append(Span(object_id, index, index))


def _ordered(spans: Mapping[int, Iterable[Span]]) -> tuple[Span, ...]:
    listed: Iterator[Span] = (span for some in spans.values() for span in some)
    return tuple(sorted(listed, key=lambda span: (span.first, span.object_id)))
