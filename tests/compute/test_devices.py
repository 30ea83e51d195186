import pytest
import torch

from vosctl.compute import devices
from vosctl.compute.devices import choose_device, choose_dtype, dtype_reason, fast_bf16
from vosctl.errors import DeviceError

_CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _ask_anew() -> None:
    fast_bf16.cache_clear()


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ({"amx_bf16": True, "avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": False, "avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": False, "avx512_bf16": False, "avx2": True}, torch.float32),
        ({"cpu_name": "amx_bf16"}, torch.float32),
    ],
)
def test_auto_goes_by_the_processor_s_instructions(
    flags: dict[str, object], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags, raising=False)
    assert choose_dtype("auto", _CPU) == dtype
    reason = dtype_reason("auto", _CPU)
    assert ("multiplies bfloat16 no faster" in reason) == (dtype == torch.float32)
    assert dtype_reason("bf16", _CPU) == dtype_reason("fp32", _CPU) == "as asked"


def test_an_older_torch_leaves_it_to_the_kernel_s_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(devices.Path, "is_file", lambda _: True)
    monkeypatch.setattr(devices.Path, "read_text", lambda _: "flags\t\t: fpu avx512_bf16 amx_tile\n")
    assert choose_dtype("auto", _CPU) == torch.bfloat16
    fast_bf16.cache_clear()
    monkeypatch.setattr(devices.Path, "read_text", lambda _: "flags\t\t: fpu avx512f\n")
    assert choose_dtype("auto", _CPU) == torch.float32


def test_a_named_dtype_is_taken_and_fp16_refused_on_a_cpu() -> None:
    assert choose_dtype("bf16", _CPU) == torch.bfloat16
    assert choose_dtype("fp32", _CPU) == torch.float32
    with pytest.raises(DeviceError, match="fp16 is for GPUs"):
        choose_dtype("fp16", _CPU)


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "vulkan", "mps", ""])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(DeviceError, match=f"--device {name}"):
        choose_device(name)
