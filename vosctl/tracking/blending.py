"""Forward and backward results of one clip as one: each object's nearer mask counts for more."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

import numpy as np

from vosctl.arrays import Labels, Probability


def mask_frames(masks: Mapping[int, Labels]) -> dict[int, tuple[int, ...]]:
    """The frames of each object's masks, ascending, by object id."""
    frames: dict[int, list[int]] = {}
    for frame in sorted(masks):
        for object_id in np.unique(masks[frame]):
            if object_id:
                frames.setdefault(int(object_id), []).append(frame)
    return {object_id: tuple(frames[object_id]) for object_id in sorted(frames)}


def backward_share(frame: int, masks_at: Sequence[int]) -> float:
    """How much of an object's result at a frame comes from the backward pass, by the distance to its masks.

    Args:
        frame: the index.
        masks_at: frames of the object's masks, ascending, at least one.

    Returns:
        0 from the last mask on and at every mask, 1 before the first; linear between two.
    """
    at = bisect_right(masks_at, frame)
    if at == len(masks_at):
        return 0.0
    if at == 0:
        return 1.0
    before, after = masks_at[at - 1], masks_at[at]
    return (frame - before) / (after - before)


def blend(
    forward: Mapping[int, Probability], backward: Mapping[int, Probability], shares: Mapping[int, float]
) -> dict[int, Probability]:
    """The probabilities of all objects that either pass knows.

    Args:
        forward: by object id.
        backward: by object id; needed where the share is not 0.
        shares: of the backward pass, by object id, in [0, 1].

    Returns:
        By object id, ascending; at each pixel their sum is at most 1.
    """
    blended: dict[int, Probability] = {}
    for object_id, share in shares.items():
        if share == 0 and object_id in forward:
            blended[object_id] = forward[object_id]
        elif share == 1:
            blended[object_id] = backward[object_id]
        elif 0 < share < 1:
            weight = np.float32(share)
            blended[object_id] = (1 - weight) * forward[object_id] + weight * backward[object_id]
    if blended:  # two objects may claim a pixel, one from either side
        excess = np.maximum(sum(blended.values()), np.float32(1))
        blended = {object_id: (p / excess).astype(np.float32) for object_id, p in blended.items()}
    return dict(sorted(blended.items()))


def labels_of(probabilities: Mapping[int, Probability], shape: tuple[int, int]) -> Labels:
    """The id of the likeliest object at each pixel, 0 where the background is likelier than each.

    Args:
        probabilities: by object id.
        shape: (H, W).
    """
    best: Probability = np.ones(shape, np.float32)
    for probability in probabilities.values():
        best = best - probability
    labels = np.zeros(shape, np.uint8)
    for object_id, probability in probabilities.items():
        labels[probability > best] = object_id
        best = np.maximum(best, probability)
    return labels


def draw_given(labels: Labels, given: Labels) -> Labels:
    """A mask that a person gave, over the result of its frame: its objects are there and nowhere else."""
    ids = np.unique(given[given > 0])
    others = np.where(np.isin(labels, ids), np.uint8(0), labels)
    drawn: Labels = np.where(given > 0, given, others)
    return drawn
