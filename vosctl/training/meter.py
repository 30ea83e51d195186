"""What a stretch of training gave, on average, and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from vosctl.training.sample import Batch


class Meter:
    """Means of what steps give, and of the time they take, since the last look."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.restart()

    def waiting_for(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches; how long each took to come counts as waiting."""
        while True:
            before = time.perf_counter()
            batch = next(batches, None)
            if batch is None:
                return
            self.waited += time.perf_counter() - before
            self.batches += 1
            yield batch

    def add(self, values: dict[str, float]) -> None:
        """Take in what a step gave."""
        self.counted += 1
        self.sums = {name: self.sums.get(name, 0.0) + value for name, value in values.items()}

    def means(self) -> dict[str, float]:
        """Means of the values, `seconds` per step and how much of it was `waiting` for data; then start
        again.
        """
        means = {name: total / self.counted for name, total in self.sums.items()}
        means["seconds"] = (time.perf_counter() - self.since) / max(1, self.batches)
        means["waiting"] = self.waited / max(1, self.batches)
        self.restart()
        return means

    def restart(self) -> None:
        """Forget everything so far."""
        self.sums, self.counted, self.batches, self.waited = {}, 0, 0, 0.0
        self.since = time.perf_counter()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time in here is no step's."""
        before = time.perf_counter()
        yield
        self.since += time.perf_counter() - before
