"""Frames to the device and results back, neither of which anybody waits for before it is needed."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Uploader:
    """Takes frames to the device.

    To a GPU they go through pinned memory, on a stream of their own: what it computes meanwhile is not held
    up, and the host goes on at once.

    Args:
        device: to which.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __call__(self, frames: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Frames (H, W, 3) -> (B, 3, H, W) uint8, channels last; to be used on the current stream."""
        pinned = self._stream is not None
        batch = torch.empty((len(frames), *frames[0].shape), dtype=torch.uint8, pin_memory=pinned)
        np.stack(frames, out=batch.numpy())
        if self._stream is None:
            return batch.to(self._device).permute(0, 3, 1, 2)
        with torch.cuda.stream(self._stream):
            images = batch.to(self._device, non_blocking=True)
        computing = torch.cuda.current_stream(self._device)
        computing.wait_stream(self._stream)
        images.record_stream(computing)  # or the next upload might get its memory too early
        return images.permute(0, 3, 1, 2)


class Download:
    """Results on their way to the host.

    Args:
        tensors: what to fetch; None stays None.
        began: when the work on them did.
    """

    def __init__(self, tensors: Sequence[Tensor | None], began: "Timestamp") -> None:
        self._began = began
        self._results = [None if x is None else self._fetch(x) for x in tensors]
        self._ended = Timestamp(began.device)

    def wait(self) -> tuple[list[Any], float]:
        """The results as arrays, and the seconds that the device was at work on them."""
        seconds = self._ended.since(self._began)
        # Copied: pinned memory is scarce, and results may be kept for long.
        copies = [None if x is None else np.array(x) if x.is_pinned() else x.numpy() for x in self._results]
        return copies, seconds

    @staticmethod
    def _fetch(x: Tensor) -> Tensor:
        if not x.is_cuda:
            return x.cpu()
        return torch.empty(x.shape, dtype=x.dtype, pin_memory=True).copy_(x, non_blocking=True)


class Timestamp:
    """A point in the work of a device: of a GPU in what is queued for it, else now.

    Args:
        device: which.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._time = time.perf_counter()
        self._event: torch.cuda.Event | None = None
        if device.type == "cuda":
            self._event = torch.cuda.Event(enable_timing=True)
            self._event.record(torch.cuda.current_stream(device))

    def since(self, earlier: "Timestamp") -> float:
        """The seconds from an earlier timestamp until this one, which is waited for."""
        if self._event is None or earlier._event is None:
            return self._time - earlier._time
        self._event.synchronize()
        return float(earlier._event.elapsed_time(self._event)) / 1e3


def on_host(state: Any) -> Any:
    """A copy of plain data, its tensors on the host."""
    if isinstance(state, Tensor):
        return state.to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: on_host(value) for key, value in state.items()}
    return [on_host(value) for value in state] if isinstance(state, list) else state
