"""Tells flat masks from those with soft, antialiased or compressed edges."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosctl.errors import MaskError

MAX_VALUES = 100
"""An image of more values than this shows shades, not objects."""
_MIN_EDGE_VALUES = 3  # fewer values than this that lie only along edges may be tiny objects


def shades_error(path: Path, count: int, what: str) -> MaskError:
    """The error for an image of so many different values, or of whatever `what` names."""
    return MaskError(
        f"{path} has {count} different {what}, many of them shades along edges; expected one flat value per "
        "object; save it without antialiasing (nearest neighbour) as PNG, not JPEG"
    )


def refuse_shades(values: NDArray[np.integer], path: Path) -> None:
    """Raises if the values (H, W) are those of an antialiased, blurred or JPEG-compressed mask.

    The pixels of an object form areas; those of a shade lie on lines a pixel wide, hardly ever in a 2x2 block
    of the same value, and beside other values than background. A few tiny objects that touch others look the
    same: they pass if the ids are dense (1, 2, 3, ...).
    """
    used, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    objects = used != 0
    if objects.sum() > MAX_VALUES:
        raise shades_error(path, len(used), "values")
    index = inverse.reshape(values.shape)
    corner = index[:-1, :-1]
    is_block = (corner == index[1:, :-1]) & (corner == index[:-1, 1:]) & (corner == index[1:, 1:])
    blocks = np.bincount(corner[is_block], minlength=len(used))
    is_edge = objects & (blocks * 4 < counts)
    if is_edge.sum() < _MIN_EDGE_VALUES:
        return
    touching = np.bincount(index[_touches_another(values)], minlength=len(used))
    is_shade = is_edge & (touching * 2 > counts)
    is_sparse = used[-1] > 1.5 * objects.sum()
    if is_shade.sum() >= _MIN_EDGE_VALUES and is_sparse:
        raise shades_error(path, len(used), "values")


def _touches_another(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """The pixels (H, W) with one of their eight neighbours neither background nor of their own value."""
    height, width = values.shape
    padded = np.pad(values, 1)
    touches = np.zeros(values.shape, bool)
    for dy in range(3):
        for dx in range(3):
            neighbour = padded[dy : dy + height, dx : dx + width]
            touches |= (neighbour != values) & (neighbour != 0)
    return touches
