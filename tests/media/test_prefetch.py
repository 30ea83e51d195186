import threading
import time
from collections.abc import Iterator

import pytest

from vosctl.media.prefetch import prefetch


def _threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "vosctl-prefetch"]


class Source:
    """Counts how far it was drawn, and whether it was closed."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.drawn = 0
        self.closed_by: str | None = None

    def __iter__(self) -> Iterator[int]:
        try:
            for number in range(self.count):
                self.drawn += 1
                yield number
        finally:
            self.closed_by = threading.current_thread().name


@pytest.mark.parametrize("depth", [1, 3, 100])
def test_keeps_the_order(depth: int) -> None:
    assert list(prefetch(Source(50), depth)) == list(range(50))
    assert not _threads()


def test_works_ahead_but_no_further_than_its_depth() -> None:
    source = Source(100)
    items = prefetch(source, 4)
    assert next(items) == 0
    deadline = time.monotonic() + 5
    while source.drawn < 6 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)  # time enough to run too far
    assert source.drawn == 6  # the one taken, four waiting, and one that finds no place
    items.close()


def test_an_exception_comes_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise RuntimeError("third")

    seen = []

    def draw() -> None:
        for item in prefetch(broken(), 8):
            time.sleep(0.005)
            seen.append(item)

    with pytest.raises(RuntimeError, match="third"):
        draw()
    assert seen == [1, 2]
    assert not _threads()


def test_closing_early_stops_the_thread_and_closes_the_source_there() -> None:
    source = Source(10**9)
    items = prefetch(source, 2)
    next(items)
    items.close()
    assert not _threads()
    assert source.closed_by == "vosctl-prefetch"


def test_an_interrupted_consumer_stops_the_thread() -> None:
    def consume() -> None:
        for item in prefetch(Source(10**9), 2):
            if item == 5:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    deadline = time.monotonic() + 5
    while _threads() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert not _threads()


def test_a_source_that_hangs_does_not_hang_the_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vosctl.media.prefetch._JOIN_SECONDS", 0.05)
    released = threading.Event()

    def hanging() -> Iterator[int]:
        yield 1
        released.wait()

    items = prefetch(hanging(), 2)
    next(items)
    start = time.monotonic()
    items.close()
    assert time.monotonic() - start < 2
    released.set()


def test_refuses_a_depth_without_room() -> None:
    with pytest.raises(ValueError, match="depth must be at least 1, not 0"):
        prefetch([1], 0)
