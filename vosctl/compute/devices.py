"""The choice of a device and of a dtype to compute with."""

import ctypes
import sys
import time
from functools import lru_cache
from typing import Literal

import torch

from vosctl.errors import DeviceError

Precision = Literal["auto", "fp32", "bf16", "fp16"]

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# bf16 costs accuracy, so it has to pay: only processors with matrix units (AMX) come near this.
_WORTHWHILE_SPEEDUP = 2.0
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8  # in malloc.h


def choose_device(name: str) -> torch.device:
    """The device that a person named.

    Args:
        name: auto, cpu, cuda, cuda:N or mps.

    Raises:
        DeviceError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"--device {name}: not a device; use auto, cpu or cuda:N") from None
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            found = f"{count} CUDA device{'s' if count != 1 else ''}" if count else "no CUDA device"
            raise DeviceError(f"--device {name}: found {found} here; use --device auto or cpu")
    elif device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError(f"--device {name}: not available here; use --device auto or cpu")
    elif device.type not in ("cpu", "mps"):
        raise DeviceError(f"--device {name}: not supported; use auto, cpu or cuda:N")
    return device


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The dtype of the networks: the named one, or with auto the fastest that is accurate enough.

    Raises:
        DeviceError: fp16 on a CPU, which would be slower than float32 and less accurate.
    """
    if precision == "fp16" and device.type == "cpu":
        raise DeviceError("--precision fp16 is for GPUs; on a CPU use auto, bf16 or fp32")
    if precision != "auto":
        return _TYPES[precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and _bf16_speedup() >= _WORTHWHILE_SPEEDUP:
        return torch.bfloat16
    return torch.float32


def upload(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Values of the host, of the device and dtype of `like`; a GPU is not waited for."""
    values = values.to(like.dtype)
    if like.is_cuda:
        values = values.pin_memory()
    return values.to(like.device, non_blocking=True)


@lru_cache(maxsize=1)
def keep_host_memory() -> None:
    """Have the C library keep freed blocks for the next allocation, for the rest of the process.

    glibc gives large blocks back to the kernel at once, which then clears every page anew; with maps of many
    megabytes, made and dropped at each layer, that takes its time. Other C libraries are left alone.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # not glibc
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, 1 << 30)
    mallopt(_M_ARENA_MAX, 1)  # threads that come later share what there is, instead of filling their own
    mallopt(_M_TOP_PAD, 64 << 20)  # or those of threads before, in pieces of 64 MB, would be given back


@lru_cache(maxsize=1)
def _bf16_speedup() -> float:
    """How many times faster this processor multiplies bf16 matrices than float32 ones (about 30 ms)."""
    seconds = []
    for dtype in (torch.float32, torch.bfloat16):
        matrix = torch.ones(768, 768, dtype=dtype)
        best = float("inf")
        for _ in range(4):  # the first one also sets the library up
            start = time.perf_counter()
            matrix @ matrix
            best = min(best, time.perf_counter() - start)
        seconds.append(best)
    return seconds[0] / seconds[1]
