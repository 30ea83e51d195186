"""The choice of a device and of a dtype to compute with."""

import ctypes
import sys
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch

from vosctl.compute.probe import advice_for, cuda_count, fault_of
from vosctl.errors import DeviceError

Precision = Literal["auto", "fp32", "bf16", "fp16"]

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Instructions with which a processor multiplies bf16 at least twice as fast as float32, as was measured on
# Zen 4, Zen 5 and Sapphire Rapids. bf16 costs a little accuracy, so it has to pay: others compute in float32.
_FAST_BF16 = ("amx_bf16", "avx512_bf16")
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8  # in malloc.h


def choose_device(name: str) -> torch.device:
    """The device that a person named, or with auto a GPU that works, else the CPU.

    Args:
        name: auto, cpu, cuda or cuda:N.

    Raises:
        DeviceError: there is no such device here, or it does not compute.
    """
    if name == "auto":
        return _automatic()[0]
    device = named_device(name)
    if device.type == "cuda" and (fault := fault_of(device)):
        advice = advice_for(fault)
        what = f"{advice}, or use" if advice else "use"
        raise DeviceError(f"--device {name}: the GPU does not work ({fault}); {what} --device auto or cpu")
    return device


def named_device(name: str) -> torch.device:
    """The device that a person named, if it is here; unlike `choose_device` it is left untouched.

    Raises:
        DeviceError: there is no such device here.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"--device {name}: not a device; use auto, cpu or cuda:N") from None
    if device.type == "cuda":
        count, reason = cuda_count()
        if (device.index or 0) >= count:
            found = f"{count} CUDA device{'s' if count != 1 else ''}" if count else "no CUDA device"
            why = f" ({reason})" if reason else ""
            raise DeviceError(f"--device {name}: found {found} here{why}; use --device auto or cpu")
    elif device.type != "cpu":
        raise DeviceError(f"--device {name}: not supported; use auto, cpu or cuda:N")
    return device


def fallback_note(name: str) -> str | None:
    """Why `auto` is the CPU though there is a GPU, as a sentence; None where that is not so."""
    fault = _automatic()[1] if name == "auto" else None
    if not fault:
        return None
    advice = advice_for(fault)
    return f"computed on the CPU, since the GPU does not work: {fault}" + (f"; {advice}" if advice else "")


@lru_cache(maxsize=1)
def _automatic() -> tuple[torch.device, str | None]:
    """The device that auto stands for, and what is wrong with the GPU where it is not that."""
    count, reason = cuda_count()
    if not count:
        return torch.device("cpu"), reason
    fault = fault_of(torch.device("cuda"))
    return torch.device("cpu" if fault else "cuda"), fault


def choose_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The dtype of the networks: the named one, or with auto the fastest that is accurate enough.

    On a CPU auto goes by the processor's instructions and not by a measurement, so that the same command
    gives the same masks however busy the machine is. On a GPU each dtype is tried first: convolutions in
    fp16 give NaN on some cards, such as the GTX 16 series.

    Raises:
        DeviceError: fp16 on a CPU, which would be slower than float32 and less accurate; or a named dtype in
            which the GPU does not compute.
    """
    if precision == "fp16" and device.type == "cpu":
        raise DeviceError("--precision fp16 is for GPUs; on a CPU use auto, bf16 or fp32")
    if precision != "auto":
        dtype = _TYPES[precision]
        if device.type == "cuda" and (fault := fault_of(device, dtype)):
            raise DeviceError(f"--precision {precision}: {device} does not work with it ({fault}); use auto")
        return dtype
    if device.type == "cuda":
        fast = _fast_on_gpu(device)
        return torch.float32 if fault_of(device, fast) else fast
    return torch.bfloat16 if fast_bf16() else torch.float32


def dtype_reason(precision: Precision, device: torch.device) -> str:
    """Why `choose_dtype` chooses what it does, as words in brackets after the dtype's name."""
    if precision != "auto":
        is_exact = precision == "fp32" and device.type == "cuda"
        return "as asked, without TF32" if is_exact else "as asked"
    if device.type == "cuda":
        fast = _fast_on_gpu(device)
        if fault_of(device, fast):
            return f"the GPU does not work with {str(fast).removeprefix('torch.')}; without TF32"
        return f"the GPU {'multiplies' if fast == torch.bfloat16 else 'does not multiply'} bfloat16"
    instructions = fast_bf16()
    return (
        f"the processor has {instructions}" if instructions else "the processor multiplies bfloat16 no faster"
    )


def set_tf32(device: torch.device, dtype: torch.dtype) -> None:
    """Have float32 be float32 on a GPU where the networks compute in it.

    Otherwise cuDNN's convolutions keep ten bits of the mantissa (TF32), as PyTorch would have it; that is
    more than bf16 has, so beside such networks the rest may do so and is faster.
    """
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = dtype != torch.float32
        torch.backends.cuda.matmul.allow_tf32 = False


def _fast_on_gpu(device: torch.device) -> torch.dtype:
    with torch.cuda.device(device):  # the question is about the current one
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if has_bf16 else torch.float16


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
