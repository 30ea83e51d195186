"""Work on the frames of a window on a CPU: two threads, each with half of the frames and half of the cores.

Cores that share every convolution wait for the slowest of them after each; in this way once a window.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

import torch

T = TypeVar("T")


class _Apart(threading.local):
    """The two threads that work for a thread; None where it has all cores to itself."""

    workers: ThreadPoolExecutor | None = None


_apart = _Apart()


def in_halves(work: Callable[[slice], T], count: int, device: torch.device) -> list[T]:
    """Work on `count` items in two halves at the same time, or on all at once where that is not possible.

    Args:
        work: takes which items to work on; must not depend on the other half.
        count: at least 1.
        device: where it computes.

    Returns:
        The results, in the items' order.
    """
    if halves(count, device) == 1:
        return [work(slice(0, count))]
    inference = torch.is_inference_mode_enabled()  # each thread has its own state

    def half(part: slice) -> T:
        with torch.inference_mode(inference):
            return work(part)

    middle = (count + 1) // 2
    with apart(count, device):
        assert _apart.workers is not None
        parts = slice(0, middle), slice(middle, count)
        futures = [_apart.workers.submit(half, part) for part in parts]
        wait(futures)  # for both: where one fails, the other must not be at work any more
        return [future.result() for future in futures]


def halves(count: int, device: torch.device) -> int:
    """Into how many parts `in_halves` divides the work: 1 or 2."""
    possible = device.type == "cpu" and count > 1 and not torch.is_grad_enabled()
    return 2 if possible and (_apart.workers is not None or torch.get_num_threads() % 2 == 0) else 1


@contextmanager
def apart(count: int, device: torch.device) -> Iterator[None]:
    """Around calls of `in_halves` on `count` items: between them, too, this thread has half of the cores.

    Where it has all of them, the threads that helped it last stay awake for milliseconds to help again
    (OpenMP), and the halves would have to share the cores with them.
    """
    if _apart.workers is not None or halves(count, device) == 1:
        yield
        return
    threads = torch.get_num_threads()
    _apart.workers = _two_threads(threads // 2)
    torch.set_num_threads(threads // 2)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        _apart.workers = None


@lru_cache(maxsize=1)
def _two_threads(threads: int) -> ThreadPoolExecutor:
    """Two that compute with so many threads each."""
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(2, "half")
    ready = threading.Barrier(3)

    def start() -> None:
        torch.get_num_threads()  # from then on it is the thread's own number that is set
        torch.set_num_threads(threads)
        ready.wait()

    for _ in range(2):
        pool.submit(start)
    ready.wait()
    torch.set_num_threads(before)  # what threads begin with that others start
    return pool
