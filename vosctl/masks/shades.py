"""Tells flat masks from those with soft, antialiased or compressed edges."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosctl.errors import MaskError
from vosctl.masks.distinct import Indexed, strips

_MANY_VALUES = 100  # an image of more values shows shades, unless each of them fills an area of its own
_MIN_EDGE_VALUES = 3  # fewer values than this that lie only along edges may be tiny objects
_FEW = 0.1  # share of the values that may lie along edges where there are many
_SMOOTH = 2  # neighbours in a gradient differ by so much at most

_Test = Callable[[NDArray[np.uint8]], NDArray[np.bool_]]


def shades_error(path: Path, count: int, what: str) -> MaskError:
    """The error for an image of so many different values, or of whatever `what` names."""
    return MaskError(
        f"{path} has {count} different {what}, many of them shades along edges; expected one flat value per "
        "object; save it without antialiasing (nearest neighbour) as PNG, not JPEG"
    )


def refuse_shades(image: Indexed, path: Path) -> None:
    """Raises if the values are those of an antialiased, blurred or JPEG-compressed mask.

    The pixels of an object form areas; those of a shade lie on lines a pixel wide, hardly ever in a 2x2 block
    of the same value, and beside other values than background. A few tiny objects that touch others look the
    same: they pass if the ids are dense (1, 2, 3, ...). Many values pass if nearly all of them form areas,
    which are not the steps of a gradient.
    """
    count = len(image.values)
    objects = image.values != 0
    sizes = _count(image.index, None, count)
    blocks = _count(image.index, _is_block, count)
    is_edge = objects & (blocks * 4 < sizes)
    if objects.sum() > _MANY_VALUES:
        if is_edge.sum() > _FEW * objects.sum() or _is_gradient(image):
            raise shades_error(path, count, "values")
        return
    if is_edge.sum() < _MIN_EDGE_VALUES:
        return
    ground = np.flatnonzero(~objects)
    touching = _count(image.index, lambda index: _touches_another(index, ground), count)
    is_shade = is_edge & (touching * 2 > sizes)
    is_sparse = image.values[-1] > 1.5 * objects.sum()
    if is_shade.sum() >= _MIN_EDGE_VALUES and is_sparse:
        raise shades_error(path, count, "values")


def _count(index: NDArray[np.uint8], holds: _Test | None, count: int) -> NDArray[np.int64]:
    """How many pixels of each value pass a test, which is given strips with a row more above and below."""
    height, width = index.shape
    found = np.zeros(count, np.int64)
    for top, bottom in strips(height, width):
        strip = index[top:bottom]
        if holds is not None:
            above, below = max(0, top - 1), min(height, bottom + 1)
            passes = holds(index[above:below])[top - above :][: bottom - top]
            strip = strip[passes]
        found += np.bincount(strip.ravel(), minlength=count)
    return found


def _is_block(index: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The pixels (h, W) that have the value of those to the right, below, and below to the right."""
    found = np.zeros(index.shape, bool)
    corner = index[:-1, :-1]
    found[:-1, :-1] = (corner == index[1:, :-1]) & (corner == index[:-1, 1:]) & (corner == index[1:, 1:])
    return found


def _touches_another(index: NDArray[np.uint8], ground: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The pixels (h, W) with one of their eight neighbours neither background nor of their own value."""
    height, width = index.shape
    is_ground = np.isin(index, ground)
    touches = np.zeros(index.shape, bool)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            here = np.s_[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
            there = np.s_[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)]
            touches[here] |= (index[there] != index[here]) & ~is_ground[there]
    return touches


def _is_gradient(image: Indexed) -> bool:
    """Whether the values are steps: most pixels beside another value differ from it only a little."""
    smooth = others = 0
    for top, bottom in strips(*image.index.shape):
        values = image.values[image.index[top : bottom + 1]]
        for one, other in ((values[:, 1:], values[:, :-1]), (values[1:], values[:-1])):
            step = np.abs(one - other)
            is_smooth = (step > 0) & (step <= _SMOOTH) & (one != 0) & (other != 0)
            smooth += int(is_smooth.sum())
            others += int((step > 0).sum() - is_smooth.sum())
    return smooth > 4 * others
