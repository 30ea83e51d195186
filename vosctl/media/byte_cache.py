"""What was used last, up to a number of bytes."""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class ByteCache(Generic[T]):
    """Keeps things by number; those that have not been used for the longest time go first.

    Args:
        most: bytes to keep; the thing that was put in last is kept whatever its size.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._kept: OrderedDict[int, tuple[T, int]] = OrderedDict()

    def get(self, number: int) -> T | None:
        """Returns what was put in under a number, if it is still there."""
        if number not in self._kept:
            return None
        self._kept.move_to_end(number)
        return self._kept[number][0]

    def put(self, number: int, thing: T, size: int) -> None:
        """Keeps a thing of so many bytes."""
        if number in self._kept:
            self._bytes -= self._kept.pop(number)[1]
        self._kept[number] = thing, size
        self._bytes += size
        while self._bytes > self._most and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Forgets everything."""
        self._kept.clear()
        self._bytes = 0
