"""Work on the frames of a window on a CPU: two threads, each with half of the frames and half of the cores.

Cores that share every convolution wait for the slowest of them after each; in this way once a window.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

T = TypeVar("T")


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
    return list(_workers(torch.get_num_threads()).map(half, (slice(0, middle), slice(middle, count))))


def halves(count: int, device: torch.device) -> int:
    """Into how many parts `in_halves` divides the work: 1 or 2."""
    possible = device.type == "cpu" and count > 1 and not torch.is_grad_enabled()
    return 2 if possible and torch.get_num_threads() % 2 == 0 else 1


@lru_cache(maxsize=1)
def _workers(threads: int) -> ThreadPoolExecutor:
    """Two threads that compute with half of this one's number of threads each."""
    pool = ThreadPoolExecutor(2, "half")
    ready = threading.Barrier(3)

    def start() -> None:
        torch.get_num_threads()  # from then on it is the thread's own number that is set
        torch.set_num_threads(threads // 2)
        ready.wait()

    for _ in range(2):
        pool.submit(start)
    ready.wait()
    torch.set_num_threads(threads)  # what threads begin with that others start
    return pool
