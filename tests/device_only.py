"""Reads of the host forbidden, as a GPU is waited for in each: on the meta device, which has no values."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# Most reads of a meta tensor fail by themselves (`item`, `tolist`, `cpu`, `numpy`, a mask as an index).
_READS = {"_local_scalar_dense", "is_nonzero", "nonzero", "equal", "_unique2", "masked_select"}
_MOVES = {"_to_copy", "copy_", "where", "index", "index_put_", "cat", "stack"}


@contextmanager
def no_host() -> Iterator[None]:
    """Raises where the host would wait for a GPU: where it reads values, or moves them to the device."""
    with _Functions(), _Operators():
        yield


class _Operators(TorchDispatchMode):
    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if function.__name__.partition(".")[0] in _READS:
            raise RuntimeError(f"the host reads values: {function}")
        result = function(*args, **(kwargs or {}))
        # Single numbers of the host may take part in arithmetic; these operators move them first.
        moves = function.__name__.partition(".")[0] in _MOVES
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        given = {x.device.type for x in tensors if x.dim() or moves}
        made = {x.device.type for x in tree_leaves(result) if isinstance(x, Tensor)}
        if "cpu" in given and "meta" in given | made:
            raise RuntimeError(f"values are moved to the device: {function}")
        return result


class _Functions(TorchFunctionMode):
    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if function in (torch.tensor, torch.as_tensor, torch.asarray) and result.is_meta:
            raise RuntimeError("values are moved to the device: torch.tensor(..., device=...)")
        return result
