"""Combines results of a clip: forward with backward passes, and predictions with masks that were given."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from vosctl.arrays import Labels, Probability


def mask_frames(masks: Mapping[int, Labels]) -> dict[int, tuple[int, ...]]:
    """Returns, by object id, the frames whose masks hold the object, in ascending order."""
    frames: dict[int, list[int]] = {}
    for frame in sorted(masks):
        for object_id in np.unique(masks[frame]):
            if object_id:
                frames.setdefault(int(object_id), []).append(frame)
    return {object_id: tuple(frames[object_id]) for object_id in sorted(frames)}


def backward_share(frame: int, masks_at: Sequence[int]) -> float:
    """Returns how much the backward pass counts for an object at a frame, by the distance to its masks.

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
    """Returns the probabilities of all objects that either pass knows.

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
    """Returns the id of the likeliest object at each pixel, 0 where the background is likelier than each.

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
    """Lays a mask that a person gave over the result of its frame: its objects are there and nowhere else."""
    ids = np.unique(given[given > 0])
    others = np.where(np.isin(labels, ids), np.uint8(0), labels)
    drawn: Labels = np.where(given > 0, given, others)
    return drawn


def merged(
    predicted: Tensor | None, given: Tensor, object_ids: Sequence[int], drawn: Sequence[int]
) -> Tensor:
    """Probabilities in which what a person has drawn is certain.

    An object of the mask is nowhere outside its drawn pixels; there, the other objects keep their prediction.

    Args:
        predicted: (1, P+1, H, W), background first, of the P objects that were known before; None if there
            were none.
        given: (H, W), the mask's ids.
        object_ids: ids of all O objects; those that were known before come first.
        drawn: ids of the objects that are in the mask.

    Returns:
        (1, O+1, H, W), background first; the sum over the maps is 1 at each pixel.
    """
    maps = given.new_zeros(1, len(object_ids) + 1, *given.shape)
    if predicted is not None:
        maps[:, : predicted.shape[1]] = predicted
    else:
        maps[:, 0] = 1
    for index, object_id in enumerate(object_ids):
        if object_id in drawn:
            maps[:, index + 1] = 0
    maps = torch.where(given > 0, torch.zeros_like(maps), maps)
    for object_id in drawn:
        maps[:, object_ids.index(object_id) + 1] += given == object_id
    missing = (1 - maps.sum(1)).clamp(min=0)
    maps[:, 0] += missing
    return maps
