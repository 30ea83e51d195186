"""The parameters that a file of weights holds, checked: plain tensors of finite numbers, within the file."""

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vosctl.errors import WeightsError

# By dtype, the integers to look at its bits with, and the bits of the exponent: a number is infinite or NaN
# where all of these are set. That is far faster than torch.isfinite.
_EXPONENTS = {
    torch.float16: (torch.int16, 0x7C00),
    torch.bfloat16: (torch.int16, 0x7F80),
    torch.float32: (torch.int32, 0x7F800000),
    torch.float64: (torch.int64, 0x7FF0 << 48),
}
_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)


def checked_state(state: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    """The parameters by name, once it is sure that networks can be made of them.

    Args:
        state: as read from a file.
        path: of the file.

    Raises:
        WeightsError: a name is no text; a value is no tensor of the common kind, is larger than the file, or
            has numbers that are not finite; names the parameter.
    """
    checked: dict[str, Tensor] = {}
    left = path.stat().st_size
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise WeightsError(
                f"{path}: {show(name)} is a {type(value).__name__}, expected tensors by name; export it again"
            )
        # A file can give a tensor attributes that hide its methods; what detach returns has none.
        tensor = Tensor.detach(value)
        is_common = type(tensor) is Tensor and tensor.layout is torch.strided and not tensor.is_nested
        if not is_common or tensor.device.type != "cpu" or tensor.dtype not in (*_EXPONENTS, *_INTEGERS):
            raise WeightsError(f"{path}: {show(name)} is no plain tensor of numbers; export it again")
        left -= tensor.numel() * tensor.element_size()
        if left < 0:  # views of the same few bytes
            raise WeightsError(f"{path}: {show(name)} is larger than the file; fetch or export it again")
        # An infinite variance is what half precision made of a large one in older exports: its channel is
        # constant, and all that follows is finite.
        is_variance = name.endswith("running_var")
        if not is_finite(tensor) and not (is_variance and bool((tensor >= 0).all())):
            raise WeightsError(
                f"{path}: {show(name)} holds NaN or infinite numbers, expected finite ones; "
                "fetch or export it again"
            )
        if is_variance and bool((tensor < 0).any()):
            raise WeightsError(
                f"{path}: {show(name)} holds negative variances, which have no square root; "
                "fetch or export it again"
            )
        checked[name] = tensor
    return checked


def is_finite(tensor: Tensor) -> bool:
    """Whether all numbers of a tensor on the CPU are finite; integers are."""
    if tensor.dtype not in _EXPONENTS or not tensor.numel():
        return True
    integers, exponent = _EXPONENTS[tensor.dtype]
    bits = tensor.contiguous().view(integers).numpy() & exponent
    return bool(bits.max() != exponent)


def show(value: object) -> str:
    """A value of a file as a message shows it: short, on one line."""
    return reprlib.repr(value)
