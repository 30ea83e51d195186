"""How much memory of a GPU is free, and the most that was in use."""

from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")

_highest: dict[int, int] = {}  # bytes by device, from before PyTorch's own count was last reset


def free_bytes(device: torch.device) -> int:
    """Bytes that a GPU has left for this process: free ones, and those that PyTorch keeps without use."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def peak_of(device: torch.device, work: Callable[[], T]) -> tuple[T, int]:
    """What work gives, and the most bytes that it took on a GPU beside those in use before."""
    before = torch.cuda.memory_allocated(device)
    number = _number(device)
    _highest[number] = max(_highest.get(number, 0), torch.cuda.max_memory_allocated(device))
    torch.cuda.reset_peak_memory_stats(device)
    result = work()
    return result, torch.cuda.max_memory_allocated(device) - before


def highest_bytes(device: torch.device) -> int:
    """The most bytes in use on a GPU since `forget_highest`."""
    return max(_highest.get(_number(device), 0), torch.cuda.max_memory_allocated(device))


def forget_highest(device: torch.device) -> None:
    """Begin to count anew, for another clip."""
    _highest.pop(_number(device), None)
    torch.cuda.reset_peak_memory_stats(device)


def _number(device: torch.device) -> int:
    return torch.cuda.current_device() if device.index is None else device.index
