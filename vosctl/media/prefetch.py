"""Work ahead in a thread: decoding overlaps with what the consumer does."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

# A source that hangs (a dead network drive) must not keep the consumer from ending: the thread is a daemon.
_JOIN_SECONDS = 5.0


class Channel(Generic[T]):
    """A bounded queue that both sides can close, and that carries the producer's exception.

    Where it is `lossy`, a full one loses its oldest item rather than holding up the producer; `lost` counts.
    """

    def __init__(self, depth: int, lossy: bool = False) -> None:
        self.lost = 0
        self._lossy = lossy
        self._items: deque[T] = deque()
        self._depth = depth
        self._changed = threading.Condition()
        self._finished = False  # the producer is done
        self._abandoned = False  # the consumer is gone
        self._error: BaseException | None = None

    def put(self, item: T) -> bool:
        """Waits for a free place, if not lossy; False when the consumer is gone."""
        with self._changed:
            if self._lossy and len(self._items) == self._depth:
                self._items.popleft()
                self.lost += 1
            self._changed.wait_for(lambda: len(self._items) < self._depth or self._abandoned)
            if not self._abandoned:
                self._items.append(item)
            self._changed.notify_all()
            return not self._abandoned

    def finish(self, error: BaseException | None) -> None:
        """Tells the consumer that nothing more comes, and why."""
        with self._changed:
            self._finished = True
            self._error = error
            self._changed.notify_all()

    def get(self) -> T:
        """Waits for an item; raises the producer's exception, or `StopIteration`, after the last one."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._finished)
            if not self._items:
                raise self._error or StopIteration
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def abandon(self) -> None:
        """Tells the producer that nobody waits any more."""
        with self._changed:
            self._abandoned = True
            self._items.clear()
            self._changed.notify_all()


def produce(items: Iterable[T], channel: Channel[T]) -> None:
    """Puts all items into the channel, and their exception; to be run in a thread of its own."""
    error: BaseException | None = None
    try:
        iterator = iter(items)
        try:
            for item in iterator:
                if not channel.put(item):
                    break
        finally:
            # A generator must be closed by the thread that runs it.
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
    except BaseException as caught:  # noqa: BLE001  (handed to the consumer, whatever it is)
        error = caught
    channel.finish(error)


def prefetch(iterable: Iterable[T], depth: int) -> Iterator[T]:
    """Yields the items of `iterable`, which a thread of its own draws up to `depth` items ahead.

    An exception of the iterable is raised here, after the items that came before it. When this generator is
    closed early, or its consumer is interrupted, the thread stops after the item it is at.

    Raises:
        ValueError: `depth` is less than 1.
    """
    if depth < 1:
        raise ValueError(f"depth must be at least 1, not {depth}")
    return _consume(iterable, Channel(depth))


def _consume(iterable: Iterable[T], channel: Channel[T]) -> Iterator[T]:
    thread = threading.Thread(target=produce, args=(iterable, channel), name="vosctl-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item = channel.get()
            except StopIteration:
                return
            yield item
    finally:
        channel.abandon()
        thread.join(_JOIN_SECONDS)
