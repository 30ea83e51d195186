"""Pictures that a damaged clip lacks, found by the times of the packets that they should have come from."""

from heapq import heappop, heappush
from itertools import groupby

_SPANS_SHOWN = 8


class Gaps:
    """Compares what goes into a decoder with what comes out of it.

    A picture is missing where the time of a packet is passed over by later pictures after the decoder has
    refused a packet. Without such a failure nothing is missing: in some codecs a packet holds a field, or a
    picture that is never shown. Packets without times tell only that something is missing, not where.

    Attributes:
        frames: indices of the missing frames, in order.
        untimed: number of packets that failed and had no time.
    """

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.untimed = 0
        self._expected: list[int] = []  # a heap of packets' times, in ticks
        self._failures = 0  # packets that failed, and whose pictures have not been missed yet
        self._is_one_each = True  # so far each packet has given a picture

    def sent(self, time: int | None) -> None:
        """Notes a packet whose picture should be shown at `time`, in ticks of the stream."""
        if time is not None:
            heappush(self._expected, time)

    def failed(self, time: int | None) -> None:
        """Notes that the decoder has refused a packet."""
        if time is None:
            self.untimed += 1
        else:
            self._failures += 1

    def before(self, time: int | None, is_first: bool) -> list[int]:
        """Returns the times of the pictures that are missing before the one of `time`.

        Args:
            time: of the picture that has come out, in ticks of the stream.
            is_first: nothing came before it, so that nothing is missing.
        """
        passed: list[int] = []
        while time is not None and self._expected and self._expected[0] <= time:
            expected = heappop(self._expected)
            if expected < time:
                passed.append(expected)
        if is_first:
            self._failures = self.untimed = 0
            return []
        if not self._failures:
            self._is_one_each = self._is_one_each and not passed
            return []
        missing = passed if self._is_one_each else passed[: self._failures]
        self._failures = max(0, self._failures - len(missing))
        return missing

    @property
    def is_open(self) -> bool:
        """Whether pictures are missing after the last one that came out."""
        return bool(self._failures and self._expected)

    def __bool__(self) -> bool:
        return bool(self.frames or self.untimed)

    def __str__(self) -> str:
        """Says how many frames are missing and which."""
        told = []
        if count := len(self.frames):
            them, have = ("frames", "have") if count > 1 else ("frame", "has")
            told.append(
                f"{count} {them} in the middle ({_spans(self.frames)}) could not be decoded and {have} the "
                "picture before in place of their own"
            )
        if self.untimed:
            told.append(
                f"{self.untimed} packets without times could not be decoded, so that later frames have "
                "too low numbers"
            )
        return "; ".join(told)


def _spans(frames: list[int]) -> str:
    """Returns "6-11, 20" for the indices 6 to 11 and 20."""
    spans = []
    for _, group in groupby(enumerate(frames), key=lambda pair: pair[1] - pair[0]):
        indices = [index for _, index in group]
        spans.append(f"{indices[0]}-{indices[-1]}" if len(indices) > 1 else str(indices[0]))
    return ", ".join(spans[:_SPANS_SHOWN]) + (
        f" and {len(spans) - _SPANS_SHOWN} more places" if len(spans) > _SPANS_SHOWN else ""
    )
