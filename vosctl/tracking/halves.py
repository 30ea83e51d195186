"""Two threads that each do half of a window on a CPU."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import torch


@lru_cache(maxsize=1)
def workers(threads: int) -> ThreadPoolExecutor:
    pool = ThreadPoolExecutor(2)
    both = threading.Barrier(3)

    def start() -> None:
        torch.set_num_threads(threads // 2)
        both.wait()

    for _ in range(2):
        pool.submit(start)
    both.wait()
    torch.set_num_threads(threads)
    return pool
