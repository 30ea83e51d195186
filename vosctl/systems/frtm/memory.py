"""The two forms of the memory M of FRTM sections 3.1 and 3.4, which can take each other's place."""

from collections.abc import Collection, Iterable

from torch import Tensor

from vosctl.systems.frtm.sample_memory import SampleMemory
from vosctl.systems.frtm.target_memory import TargetMemory

Memory = TargetMemory | SampleMemory
"""Either can be `extended` by frames, and w2 can be fitted (`refit`) to it."""

_KINDS: tuple[type[TargetMemory], type[SampleMemory]] = (TargetMemory, SampleMemory)


def first_memory(
    w1: Tensor, features: Tensor, labels: Tensor, weights: Tensor, size: int | None = None
) -> Memory:
    """The memories of the first frame's samples.

    Args:
        w1: (O, 96, C).
        features: (O, K, C, h, w).
        labels: (O, K, H, W) in [0, 1].
        weights: (O, K), summing to one for each object.
        size: how many samples are stored, at least K; None for the memory that is a matrix.
    """
    if size is None:
        return TargetMemory.of(w1, features, labels, weights)
    return SampleMemory.of(w1, features, labels, weights, size)


def memory_of(parts: Iterable[Tensor]) -> Memory:
    """The memories that consist of these tensors; how many there are tells of which form."""
    tensors = tuple(parts)
    (kind,) = (kind for kind in _KINDS if len(kind._fields) == len(tensors))
    return kind(*tensors)


def kind_with(names: Collection[str]) -> type[TargetMemory] | type[SampleMemory]:
    """The form that has tensors of these names, among others."""
    return next(kind for kind in _KINDS if set(kind._fields) <= set(names))
