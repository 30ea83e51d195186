"""What each stage takes once a clip runs: the last frames up to an update, as FRTM's Table 5 counts."""

from collections.abc import Iterable, Iterator

from vosctl.arrays import Image
from vosctl.compute.stopwatch import Stopwatch


class SteadyState:
    """Takes the stages' time between two frames of a clip that a tracker pulls.

    Args:
        stopwatch: the tracker's.
        frames: of the clip.
        start: the frame in which its objects start.
        interval: t_s, frames from one update to the next.
    """

    def __init__(self, stopwatch: Stopwatch, frames: int, start: int, interval: int) -> None:
        self._stopwatch = stopwatch
        self._last = start + 1 + interval * ((frames - start - 1) // interval)  # the frame after an update
        self._first = self._last - interval
        self._found: list[dict[str, float]] = []
        self._exists = self._first > start + interval  # else there is but the first window

    def watched(self, images: Iterable[Image]) -> Iterator[Image]:
        """The images, for the tracker; when it pulls one, all windows before it are computed."""
        for index, image in enumerate(images):
            if index in (self._first, self._last):
                self._found.append(self._stopwatch.seconds())
            yield image

    def seconds(self) -> dict[str, float]:
        """The seconds of each stage in the last t_s frames; nothing for a clip of less than 2 t_s + 1 frames.

        To be asked for once the tracker is done.
        """
        if not self._exists:
            return {}
        before, after = [*self._found, self._stopwatch.seconds()][:2]
        return {name: value - before.get(name, 0.0) for name, value in after.items()}
