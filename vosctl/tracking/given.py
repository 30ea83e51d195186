"""A mask that a person has given, among predictions."""

from collections.abc import Sequence

import torch
from torch import Tensor


def merged(
    predicted: Tensor | None, given: Tensor, object_ids: Sequence[int], drawn: Sequence[int]
) -> Tensor:
    """Probabilities in which what a person has drawn is certain.

    Where the mask is empty, objects in it are not; the other objects keep their prediction there.

    Args:
        predicted: (1, P+1, H, W), background first, of the objects that were known before; None without any.
        given: (H, W), the mask's ids.
        object_ids: of all O objects, those that were known before first.
        drawn: which of them are in the mask.

    Returns:
        (1, O+1, H, W).
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
