"""Which frames the memory takes in, and how much each of them counts (FRTM section 3.4).

The paper remembers every frame, and the newest has the share eta of all weight. Neighbours are so alike that
a few frames between two updates do as well; one that is remembered then stands for all since the one before,
as if those had been remembered too and been the same as it. However many they are, a frame that lies n frames
back counts (1 - eta)^n times as much as the newest: eta does not depend on the intervals.
"""

from typing import NamedTuple


class Rate(NamedTuple):
    """How much a remembered frame counts."""

    own: float
    """The share of the total weight that it tends to: 1 - (1 - eta)^n for the n frames that it stands for."""
    before: float
    """The same of the frame that was remembered before it."""


class MemorySchedule(NamedTuple):
    """The frames that are remembered, counted back from each update."""

    eta: float
    """The share of a frame in the memory if each is remembered, in (0, 1)."""
    update_interval: int
    """t_s: frames from one update to the next."""
    memory_interval: int
    """Frames from one that is remembered to the next, at most."""

    def remembered(self, until_update: int) -> slice:
        """The coming frames that are remembered, where so many are left until the update."""
        return slice((until_update - 1) % self.memory_interval, None, self.memory_interval)

    def rates(self, until_update: int, count: int) -> tuple[Rate, ...]:
        """The rates of the remembered ones among the next `count` frames."""
        left = range(until_update, until_update - count, -1)[self.remembered(until_update)]
        return tuple(Rate(self._share(self._gap(at)), self._share(self._gap_before(at))) for at in left)

    def _share(self, frames: int) -> float:
        return 1 - (1 - self.eta) ** frames

    def _gap(self, left: int) -> int:
        """How many frames one stands for that has so many left until the update, itself included."""
        is_first = left + self.memory_interval > self.update_interval
        return self.update_interval - left + 1 if is_first else self.memory_interval

    def _gap_before(self, left: int) -> int:
        """The same of the frame remembered before: perhaps the last one before the update before."""
        is_first = left + self.memory_interval > self.update_interval
        return self._gap(1 if is_first else left + self.memory_interval)
