"""The time that each stage of a run takes, measured without disturbing it."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")


class _End:
    pass


_END = _End()


class Stopwatch:
    """Adds up the time of named stages, which must not be nested; by default it does nothing.

    On a GPU, stages are bracketed by events that the device itself stamps: the host never waits for it.

    Attributes:
        counts: what `count` was told, by stage.

    Args:
        device: where the stages compute; None to measure nothing there.
        host: also measure stages of the host.
    """

    def __init__(self, device: torch.device | None = None, host: bool = False) -> None:
        self._device = device
        self._host = host or device is not None
        self.counts: dict[str, int] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.Lock()
        self._events: list[tuple[str, torch.cuda.Event, torch.cuda.Event]] = []

    @property
    def measures(self) -> bool:
        """Whether it times the stages of the device."""
        return self._device is not None

    @contextmanager
    def stage(self, name: str, at_a_time: int = 1) -> Iterator[None]:
        """Time what is inside as work of the device.

        Args:
            name: of the stage.
            at_a_time: how many threads are in it together; each counts for its part.
        """
        if self._device is None:
            yield
        elif self._device.type == "cuda":
            events = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            events[0].record()
            yield
            events[1].record()
            self._events.append((name, *events))
        else:
            with self.host_stage(name, at_a_time):
                yield

    @contextmanager
    def host_stage(self, name: str, at_a_time: int = 1) -> Iterator[None]:
        """Time what is inside as work of the host, in whichever thread."""
        if not self._host:
            yield
            return
        start = time.perf_counter()
        yield
        with self._lock:
            self._seconds[name] += (time.perf_counter() - start) / at_a_time

    def timed(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """The items, with the time that each takes to come as work of the host."""
        iterator = iter(items)
        while True:
            with self.host_stage(name):
                item = next(iterator, _END)
            if isinstance(item, _End):
                return
            yield item

    def count(self, name: str, times: int) -> None:
        """Note that a stage did something so many times, where that is not known beforehand."""
        if self.measures:
            self.counts[name] = self.counts.get(name, 0) + times

    def seconds(self) -> dict[str, float]:
        """The seconds of each stage; waits for the device, so it belongs at the end of a run."""
        if self._events:
            torch.cuda.synchronize(self._device)
        total = dict(self._seconds)
        for name, start, end in self._events:
            total[name] = total.get(name, 0.0) + start.elapsed_time(end) / 1e3
        return total
