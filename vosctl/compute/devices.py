"""The choice of a device and of a dtype to compute with."""

import ctypes
import sys
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch

from vosctl.errors import DeviceError

Precision = Literal["auto", "fp32", "bf16", "fp16"]

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Instructions with which a processor multiplies bf16 at least twice as fast as float32, as was measured on
# Zen 4, Zen 5 and Sapphire Rapids. bf16 costs a little accuracy, so it has to pay: others compute in float32.
_FAST_BF16 = ("amx_bf16", "avx512_bf16")
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

    On a CPU auto goes by the processor's instructions and not by a measurement, so that the same command
    gives the same masks however busy the machine is.

    Raises:
        DeviceError: fp16 on a CPU, which would be slower than float32 and less accurate.
    """
    if precision == "fp16" and device.type == "cpu":
        raise DeviceError("--precision fp16 is for GPUs; on a CPU use auto, bf16 or fp32")
    if precision != "auto":
        return _TYPES[precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if device.type == "cpu" and fast_bf16() else torch.float32


def dtype_reason(precision: Precision, device: torch.device) -> str:
    """Why `choose_dtype` chooses what it does, as words in brackets after the dtype's name."""
    if precision != "auto":
        return "as asked"
    if device.type == "cuda":
        is_fast = torch.cuda.is_bf16_supported(including_emulation=False)
        return f"the GPU {'multiplies' if is_fast else 'does not multiply'} bfloat16"
    if device.type != "cpu":
        return "as on every device of its kind"
    instructions = fast_bf16()
    return (
        f"the processor has {instructions}" if instructions else "the processor multiplies bfloat16 no faster"
    )


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
def fast_bf16() -> str | None:
    """The instructions that make bf16 worth its while on this processor; None where it has none of them."""
    if hasattr(torch.cpu, "get_capabilities"):  # of newer versions of torch
        flags = {name for name, there in torch.cpu.get_capabilities().items() if there is True}
    else:
        cpuinfo = Path("/proc/cpuinfo")
        flags = set(cpuinfo.read_text().split()) if cpuinfo.is_file() else set()
    return next((name for name in _FAST_BF16 if name in flags), None)
