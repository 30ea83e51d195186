"""What every source of training clips yields, and what a batch of them looks like."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from vosctl.errors import UsageError

# In label maps: a pixel that nobody has decided about. It takes no part in the loss.
VOID = 255
# Of a made-up clip.
MOST_OBJECTS = 5


@dataclass(frozen=True)
class ClipOptions:
    """What happens in clips that are made from photographs (`still` and `pasted`); belongs to the recipe."""

    crossing: float = 0.0
    """Probability that the paths of two objects cross in a clip, one in front of the other. In a `still` clip
    the one in front is one that looks alike, see below."""
    leaving: float = 0.0
    """Probability that an object leaves the picture and comes back; needs 3 frames. In a `still` clip it is
    one more object that looks alike."""
    alike: float = 0.0
    """Share of the distractors, and of the further objects of a `pasted` clip, that are to look like the
    clip's first object: half of them are cut out of its own photograph, half out of any of the same class.
    The class is what stands before the first `_` of a photograph's file name."""
    side: tuple[float, float] = (0.16, 0.85)
    """Smallest and largest side of an object that is cut out (geometric mean of height and width), as a share
    of the frame's shorter side. An object that covers less than 0.2 % of the first frame is not followed."""

    def __post_init__(self) -> None:
        for name in ("crossing", "leaving", "alike"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"clips.{name} is {getattr(self, name)}, expected a share from 0 to 1")
        if not 0 < self.side[0] <= self.side[1] <= 2:
            raise UsageError(f"clips.side is {list(self.side)}, expected two rising shares above 0, up to 2")


@dataclass(frozen=True)
class TrainingClip:
    """A few frames of one clip: the first is the reference, the others are to be segmented."""

    images: Tensor
    """(T, 3, H, W) float32, RGB in [0, 1]."""
    labels: Tensor
    """(T, H, W) uint8: 0 background, 1.. objects, 255 void."""
    photograph: str = ""
    """Name of the photograph that its first object comes from; empty for real clips."""


class ClipSource(Protocol):
    """Something that clips can be drawn from."""

    def draw(
        self, rng: np.random.Generator, frames: int, size: tuple[int, int], frame_gap: int = 0
    ) -> TrainingClip:
        """Draw a clip of that many frames, (H, W) pixels each; all random numbers come from `rng`.

        With a frame_gap of 0 the frames are in random order; else they are in order of time and at most that
        many frames apart.
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
