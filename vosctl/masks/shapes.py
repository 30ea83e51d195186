"""Shapes of annotation files as masks: polygons, rectangles, circles, run-length codes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosctl.errors import MaskError
from vosctl.masks.polygons import Polygon, fill
from vosctl.masks.rle import mask_of_counts, text_to_counts

Mask = NDArray[np.bool_]

_FARTHEST = 1e6  # pixels that a corner may lie off
_CIRCLE = 96  # corners that a circle is drawn with
FILLED = "polygons were filled: a pixel is the object's where its centre lies within"
"""What people are told of masks that were polygons."""


def polygon(numbers: object, where: str) -> Polygon:
    """The corners (N, 2) that a file lists, as [[x, y], ...] or as [x, y, x, y, ...].

    Raises:
        MaskError: they are no polygon.
    """
    try:
        corners = np.array(numbers, np.float64)
        if corners.ndim == 1:
            corners = corners.reshape(-1, 2)
        is_fine = corners.ndim == 2 and corners.shape[1] == 2 and bool((abs(corners) <= _FARTHEST).all())
    except (TypeError, ValueError, OverflowError):
        is_fine = False
    if not is_fine or len(corners) < 3:
        raise MaskError(f"{where} is no polygon: expected three corners (x, y) or more; draw it again")
    return corners


def fill_parts(parts: Sequence[Polygon], height: int, width: int) -> Mask:
    """The pixels (H, W) that lie within any of several polygons."""
    filled = np.zeros((height, width), bool)
    for part in parts:
        filled |= fill(part, height, width)
    return filled


def rectangle(one: Polygon, other: Polygon) -> Polygon:
    """The corners of a rectangle of which two opposite ones (2,) are given."""
    return np.array([one, [other[0], one[1]], other, [one[0], other[1]]], np.float64)


def circle(centre: Polygon, edge: Polygon) -> Polygon:
    """The corners of a circle by its centre and a point of its edge, (2,) each."""
    angles = np.arange(_CIRCLE) * (2 * math.pi / _CIRCLE)
    radius = float(np.hypot(*(edge - centre)))
    return np.asarray(centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1))


def mask_of_code(code: object, where: str, height: int, width: int) -> Mask:
    """The mask (H, W) of COCO's run-length code: `{"size": [H, W], "counts": text or numbers}`.

    Raises:
        MaskError: it is of another size, or damaged.
    """
    if not isinstance(code, dict) or code.get("size") != [height, width]:
        size = code.get("size") if isinstance(code, dict) else None
        raise MaskError(f"{where} has a mask of size {size}; expected [height, width] = [{height}, {width}]")
    counts: Any = code.get("counts")
    try:
        if isinstance(counts, str):
            return mask_of_counts(text_to_counts(counts), height, width)
        return mask_of_counts(np.array(counts, np.int64).reshape(-1), height, width)
    except (TypeError, ValueError, OverflowError) as error:
        raise MaskError(f"{where} is damaged: {error}; export it again") from error
