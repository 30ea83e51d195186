"""The learning of objects' models, as functions of tensors alone: steps 2 and 7 to 9 of FRTM's Algorithm 1.

The host reads nothing and chooses nothing by a value, so that on a GPU each can be captured as one graph and
the host runs ahead of the device. All objects are one batched problem.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.compute.two_threads import in_halves
from vosctl.systems.frtm.matching import Matching
from vosctl.systems.frtm.memory import Memory, first_memory, kind_with, memory_of
from vosctl.systems.frtm.memory_schedule import Rate
from vosctl.systems.frtm.search_region import next_extent
from vosctl.systems.frtm.target_model import FitSchedule, TargetModel, gauss_newton

FEWEST_PIXELS = 10  # an object that is smaller in a frame is taken for lost there and not learned from


class Learned(NamedTuple):
    """All that is known of O objects; nothing is changed in place."""

    memory: Memory
    """The memories, with the first layers of the target models, w1."""
    w2: Tensor
    """(O, 9, 96), the last layers of the target models."""
    prior: Tensor
    """(O, h, w), the masks at the last update, at layer3's size."""
    extent: Tensor
    """(O,), the areas in cells that the objects have or had lately."""
    first_keys: Tensor
    """(O, 64, h, w), the keys of `Matching` of their first frames; 0 channels where nothing is matched."""
    first_mask: Tensor
    """(O, h, w), the masks there, at layer3's size."""
    last_keys: Tensor
    """(O, 64, h, w), the keys of the frame of the last update."""

    def parts(self) -> tuple[Tensor, ...]:
        """All tensors in a row, as functions that a graph captures take and give them."""
        return (*self.memory, *self[1:])

    @classmethod
    def of_parts(cls, parts: Sequence[Tensor]) -> "Learned":
        """The reverse of `parts`."""
        count = len(parts) - len(_OTHERS)
        return cls(memory_of(parts[:count]), *parts[count:])

    def by_name(self) -> dict[str, Tensor]:
        """All tensors by name, as a saved state holds them."""
        return dict(zip((*self.memory._fields, *_OTHERS), self.parts(), strict=True))

    @classmethod
    def of_names(cls, state: Mapping[str, Tensor]) -> "Learned":
        """The reverse of `by_name`."""
        return cls.of_parts([state[name] for name in (*kind_with(state)._fields, *_OTHERS)])


_OTHERS = Learned._fields[1:]  # of the tensors beside the memory, in the order of `Learned.parts`


class FirstFrame:
    """The fit of new objects to the samples of their first frame.

    Args:
        schedule: the numbers of conjugate-gradient steps.
        memory_size: how many samples are stored; None for the memory that is a matrix.
        matching: the embedding that S compares cells in, if it does.
    """

    def __init__(
        self, schedule: FitSchedule, memory_size: int | None = None, matching: Matching | None = None
    ) -> None:
        self._schedule = schedule
        self._memory_size = memory_size
        self._matching = matching

    def __call__(
        self, features: Tensor, labels: Tensor, weights: Tensor, w1: Tensor, w2: Tensor
    ) -> tuple[Tensor, ...]:
        """Learn O objects.

        Args:
            features: (O, K, C, h, w) of the samples, the unmodified frame first.
            labels: (O, K, H, W) of 0 and 1.
            weights: (K,), summing to one.
            w1: (O, 96, C), a random start.
            w2: (O, 9, 96), likewise.

        Returns:
            The parts of `Learned`: what is known of them now.
        """
        model = gauss_newton(TargetModel(w1, w2), features, labels, weights, self._schedule)
        memory = first_memory(model.w1, features, labels, weights.expand(len(w1), -1), self._memory_size)
        w2 = memory.refit(model.w2, self._schedule.update) if self._schedule.refit else model.w2
        prior = _shrink(labels[:, 0], features.shape[-2:])
        keys = keys_of(self._matching, features[:, 0])
        return Learned(memory, w2, prior, prior.sum((1, 2)), keys, prior.clone(), keys.clone()).parts()


class Extension:
    """The memories with the frames of a window added.

    Args:
        rates: how much each frame counts.
        at_once: how many objects to take at a time; bounds memory.
    """

    def __init__(self, rates: Sequence[Rate], at_once: int) -> None:
        self._rates = rates
        self._at_once = at_once

    def __call__(
        self, layer3: Tensor, probabilities: Tensor, argmax: Tensor, learns: Tensor, *memory: Tensor
    ) -> tuple[Tensor, ...]:
        """Add frames in which an object is seen to its memory.

        Args:
            layer3: (B, C, h, w).
            probabilities: (B, O+1, H, W), background first.
            argmax: (B, H, W), the highest of them at each pixel.
            learns: (O,) bool: objects that are to learn from these frames.
            memory: the parts of the memories.

        Returns:
            The parts of the memories but for w1, and which frames count, (O, B) bool.
        """
        parts = []
        for first in range(0, len(learns), self._at_once):
            own = slice(first, first + self._at_once)
            labels, pixels = soft_labels(probabilities, argmax, own)
            seen = (pixels >= FEWEST_PIXELS) & learns[own, None]
            extended = memory_of(part[own] for part in memory).extended(layer3, labels, seen, self._rates)
            parts.append((*extended[1:], seen))
        return joined(parts)


class Update:
    """The update of the target models: w2 is fitted to the memories.

    Args:
        steps: of conjugate gradients; 0 to leave w2 alone.
        matching: the embedding that S compares cells in, if it does.
    """

    def __init__(self, steps: int, matching: Matching | None = None) -> None:
        self._steps = steps
        self._matching = matching

    def __call__(
        self,
        layer3: Tensor,
        probabilities: Tensor,
        argmax: Tensor,
        w2: Tensor,
        prior: Tensor,
        extent: Tensor,
        *memory: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Update O objects after a window.

        Args:
            layer3: (B, C, h, w) of the window.
            probabilities: (B, O+1, H, W) of the window.
            argmax: (B, H, W).
            w2: (O, 9, 96).
            prior: (O, h, w).
            extent: (O,).
            memory: the parts of the memories.

        Returns:
            The new w2, prior, extent and last keys.
        """
        labels, _ = soft_labels(probabilities[-1:], argmax[-1:], slice(None))
        if self._steps:
            w2 = memory_of(memory).refit(w2, self._steps)
        prior = _shrink(labels[:, 0], prior.shape[-2:])
        keys = keys_of(self._matching, layer3[-1:]).expand(len(prior), -1, -1, -1)
        return w2, prior, next_extent(extent, prior), keys.contiguous()


def joined(parts: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Join the same tensors of several groups of objects."""
    return parts[0] if len(parts) == 1 else tuple(map(torch.cat, zip(*parts, strict=True)))


def keys_of(matching: Matching | None, layer3: Tensor) -> Tensor:
    """The keys of frames, (N, C, h, w) -> (N, 64, h, w); (N, 0, h, w) where nothing is matched."""
    return layer3[:, :0] if matching is None else matching.keys(layer3)


def soft_labels(probabilities: Tensor, argmax: Tensor, own: slice) -> tuple[Tensor, Tensor]:
    """The labels that predictions give: an object's probability where it is the argmax, 0 elsewhere.

    Args:
        probabilities: (B, O+1, H, W).
        argmax: (B, H, W) uint8.
        own: of the O objects.

    Returns:
        (O', B, H, W), and on how many pixels the objects are the argmax, (O', B).
    """
    maps = probabilities[:, 1:][:, own].transpose(0, 1)
    index = torch.arange(1, probabilities.shape[1], dtype=argmax.dtype, device=argmax.device)[own]
    labels = torch.empty_like(maps, memory_format=torch.contiguous_format)

    def fill(frames: slice) -> Tensor:
        # As numbers at once: products and sums of bools are slow.
        inside = torch.eq(argmax[frames], index[:, None, None, None], out=labels[:, frames])
        pixels = inside.sum((2, 3))
        inside.mul_(maps[:, frames])
        return pixels

    return labels, torch.cat(in_halves(fill, len(argmax), argmax.device), 1)


def _shrink(masks: Tensor, size: torch.Size) -> Tensor:
    """The share of each cell that a mask covers: (O, H, W) -> (O, h, w)."""
    return F.interpolate(masks[None], tuple(size), mode="area")[0]
