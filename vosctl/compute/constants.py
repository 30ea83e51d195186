"""Tensors that depend on sizes alone: made once, and kept for as long as a CUDA graph reads them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")

_SIZES = 64  # how many results of a function are kept
_used: list[list[Any]] = []  # one list for each `constants_used` that is open


def constant(function: Callable[P, R]) -> Callable[P, R]:
    """Remember the results of a function of hashable arguments, which makes tensors."""
    # Without inference mode: training may find in the cache what tracking has put there.
    cached = lru_cache(maxsize=_SIZES)(torch.inference_mode(False)(function))

    @wraps(function)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> R:
        result = cached(*args, **kwargs)  # type: ignore[arg-type]
        for used in _used:
            used.append(result)
        return result

    return remembered


@contextmanager
def constants_used() -> Iterator[list[Any]]:
    """Collects the constants that are used inside.

    A graph reads them at the addresses that it was captured with, so it has to hold them: this module may
    forget them for others.
    """
    used: list[Any] = []
    _used.append(used)
    try:
        yield used
    finally:
        _used[:] = [other for other in _used if other is not used]
