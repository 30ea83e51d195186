"""Masks of several objects made into one label map."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vosctl.arrays import Labels
from vosctl.masks.notes import OVERLAP, Note


def compose(height: int, width: int, masks: Iterable[tuple[int, NDArray[np.bool_]]], note: Note) -> Labels:
    """The label map (H, W) of masks (H, W) by id; where objects overlap, the one that comes later is kept.

    Args:
        height: of the map.
        width: of the map.
        masks: the masks; one object may have several.
        note: is told of an overlap.
    """
    labels = np.zeros((height, width), np.uint8)
    for object_id, mask in masks:
        if ((labels > 0) & (labels != object_id) & mask).any():
            note(OVERLAP)
        labels[mask] = object_id
    return labels
