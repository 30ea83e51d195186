"""GPUs that are there and do not work, simulated: three ways to fail at the start, and NaN in fp16.

Tests devices.py too.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from vosctl.compute import devices, probe
from vosctl.compute.devices import (
    choose_device,
    choose_dtype,
    dtype_reason,
    fallback_note,
    named_device,
    set_tf32,
)
from vosctl.errors import DeviceError

_full = torch.full
_CUDA = torch.device("cuda", 0)
Broken = Callable[[Exception | None], None]

FAILURES = {
    "no kernel": (
        torch.AcceleratorError("CUDA error: no kernel image is available for execution on the device\nmore"),
        "built for this GPU",
    ),
    "busy": (
        torch.AcceleratorError("CUDA error: CUDA-capable device(s) is/are busy or unavailable"),
        "end the program that holds it",
    ),
    "no memory": (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB"), "its memory"),
}


@pytest.fixture(autouse=True)
def _ask_anew() -> Iterator[None]:
    devices._automatic.cache_clear()
    yield
    devices._automatic.cache_clear()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Broken:
    """A machine with one GPU, which raises what it is given."""

    def make(error: Exception | None, nan_in: torch.dtype | None = None) -> None:
        def full(size: tuple[int, ...], value: float, *, device: torch.device, dtype: torch.dtype) -> Tensor:
            if error is not None and device.type == "cuda":
                raise error
            return _full(size, float("nan") if dtype == nan_in else value, dtype=dtype)

        monkeypatch.setattr(torch, "full", full)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)

    return make


@pytest.mark.parametrize("name", FAILURES)
def test_auto_takes_the_cpu_and_says_why(name: str, gpu: Broken) -> None:
    error, advice = FAILURES[name]
    gpu(error)
    assert choose_device("auto") == torch.device("cpu")
    note = fallback_note("auto")
    assert note is not None
    assert str(error).splitlines()[0].rstrip(".") in note
    assert advice in note
    assert "\n" not in note
    assert fallback_note("cpu") is None


@pytest.mark.parametrize("name", FAILURES)
def test_a_named_gpu_that_does_not_work_is_refused(name: str, gpu: Broken) -> None:
    error, advice = FAILURES[name]
    gpu(error)
    with pytest.raises(DeviceError, match="--device cuda:0: the GPU does not work") as raised:
        choose_device("cuda:0")
    assert advice in str(raised.value)
    assert "--device auto or cpu" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert named_device("cuda:0") == _CUDA  # it is there, and has not been touched


def test_a_driver_too_old_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_available() -> bool:
        warnings.warn("CUDA initialization: The NVIDIA driver on your system is too old.", stacklevel=1)
        return False

    monkeypatch.setattr(torch.cuda, "is_available", is_available)
    assert choose_device("auto") == torch.device("cpu")
    assert "driver on your system is too old; update the driver" in (fallback_note("auto") or "")
    with pytest.raises(DeviceError, match=r"no CUDA device here \(The NVIDIA driver on your system is too"):
        choose_device("cuda")


def test_without_a_gpu_auto_has_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    assert fallback_note("auto") is None


def test_a_gpu_that_works_is_taken(gpu: Broken) -> None:
    gpu(None)
    assert choose_device("auto").type == "cuda"
    assert choose_device("cuda:0") == _CUDA
    assert fallback_note("auto") is None


def test_results_that_are_not_numbers_are_a_fault(gpu: Callable[..., None]) -> None:
    gpu(None, nan_in=torch.float32)
    assert probe.fault_of(_CUDA) == probe.NOT_FINITE
    assert choose_device("auto").type == "cpu"


def test_fp16_that_gives_nan_gives_way_to_fp32(
    gpu: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu(None, nan_in=torch.float16)
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    assert choose_dtype("auto", _CUDA) == torch.float32
    assert dtype_reason("auto", _CUDA) == "the GPU does not work with float16; without TF32"
    with pytest.raises(DeviceError, match="--precision fp16: cuda:0 does not work with it"):
        choose_dtype("fp16", _CUDA)
    gpu(None)
    assert choose_dtype("auto", _CUDA) == torch.float16


def test_bf16_is_asked_of_the_device_that_is_used(gpu: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu(None)
    asked: list[torch.device] = []

    def current(device: torch.device) -> nullcontext[None]:
        asked.append(device)
        return nullcontext()

    monkeypatch.setattr(torch.cuda, "device", current)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: asked[-1].index == 1)
    assert choose_dtype("auto", torch.device("cuda", 1)) == torch.bfloat16
    assert choose_dtype("auto", _CUDA) == torch.float16


def test_fp32_is_without_tf32(gpu: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu(None)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    set_tf32(torch.device("cpu"), torch.float32)
    assert torch.backends.cudnn.allow_tf32
    set_tf32(_CUDA, torch.float32)
    assert not torch.backends.cudnn.allow_tf32
    assert dtype_reason("fp32", _CUDA) == "as asked, without TF32"
    set_tf32(_CUDA, torch.bfloat16)
    assert torch.backends.cudnn.allow_tf32
