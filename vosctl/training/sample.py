"""What every source of training clips yields, and what a batch of them looks like."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

# In label maps: a pixel that nobody has decided about. It takes no part in the loss.
VOID = 255
# Of a made-up clip.
MOST_OBJECTS = 5


@dataclass(frozen=True)
class TrainingClip:
    """A few frames of one clip: the first is the reference, the others are to be segmented."""

    images: Tensor
    """(T, 3, H, W) float32, RGB in [0, 1]."""
    labels: Tensor
    """(T, H, W) uint8: 0 background, 1.. objects, 255 void."""


class ClipSource(Protocol):
    """Something that clips can be drawn from."""

    def draw(
        self, rng: np.random.Generator, frames: int, size: tuple[int, int], step: int = 0
    ) -> TrainingClip:
        """Draw a clip of that many frames, (H, W) pixels each; all random numbers come from `rng`.

        With a step of 0 the frames are in random order; else in order of time, so far apart at most.
        """
        ...


@dataclass(frozen=True)
class Batch:
    """Clips with their chosen objects; objects that a clip lacks are masked out by `present`."""

    images: Tensor
    """(B, T, 3, H, W) uint8 RGB: a quarter of what float32 would cost between processes."""
    masks: Tensor
    """(B, T, O, H, W) uint8: 1 where the object is, 255 where nobody knows, else 0."""
    present: Tensor
    """(B, O) bool."""

    def pin_memory(self) -> "Batch":
        """What DataLoader calls, so that the copy to a GPU need not be waited for."""
        return Batch(self.images.pin_memory(), self.masks.pin_memory(), self.present.pin_memory())


def choose_objects(
    labels: Tensor, rng: np.random.Generator, count: int, merge: float
) -> tuple[Tensor, Tensor]:
    """Choose which of a clip's objects are to be followed.

    Only objects that the reference shows with at least 0.2 % of its pixels qualify; with nothing that
    qualifies all are absent.

    Args:
        labels: (T, H, W) uint8, as in `TrainingClip`.
        rng: where the choice comes from.
        count: O, how many objects to follow at most.
        merge: the probability of taking all that the reference shows as one object, as DAVIS 2016 does.

    Returns:
        Masks (T, O, H, W) uint8 as in `Batch`, and (O,) bool: which of them exist.
    """
    reference = labels[0]
    ids, areas = torch.unique(reference, return_counts=True)
    least = 0.002 * reference.numel()
    fitting = [int(i) for i, area in zip(ids, areas, strict=True) if i not in (0, VOID) and area >= least]
    void = labels == VOID
    shown = ids[(ids != 0) & (ids != VOID)]  # what comes later is no part of what the reference asks for
    masks = torch.zeros(labels.shape[0], count, *labels.shape[1:], dtype=torch.uint8)
    present = torch.zeros(count, dtype=torch.bool)
    if fitting and (len(fitting) == 1 or rng.random() < merge):
        chosen = [torch.isin(labels, shown)]
    else:
        order = rng.permutation(len(fitting))[:count]
        chosen = [labels == fitting[int(i)] for i in order]
    for slot, mask in enumerate(chosen):
        masks[:, slot] = mask
        present[slot] = True
    masks.masked_fill_(void[:, None], VOID)
    return masks, present
