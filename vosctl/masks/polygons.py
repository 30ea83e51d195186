"""Polygons of masks: filled, joined to one, and with fewer corners."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vosctl.masks.contours import outer_contours

LEAST_IOU = 0.98
"""A simplified polygon, filled, agrees at least so well with the mask whose holes are filled."""
_TOLERANCES = (1.0, 0.7, 0.4)  # pixels, the first that agrees well enough is taken

_FEW = 16  # a polygon of so few corners is simple enough

Polygon = NDArray[np.float64]
"""(N, 2): corners (x, y) in pixels; the last one is joined to the first."""


def polygon_of(mask: NDArray[np.bool_]) -> Polygon | None:
    """One polygon around all parts of a mask (H, W), holes filled; None if the mask is empty.

    Parts are joined by lines that lead to the nearest point and back, which enclose nothing.
    """
    parts = [contour.astype(np.float64) for contour in outer_contours(mask)]
    if not parts:
        return None
    exact = join(parts)
    if len(exact) <= _FEW:
        return exact
    filled = fill(exact, mask.shape[0], mask.shape[1])
    for tolerance in _TOLERANCES:
        simple = join([simplify(part, tolerance) for part in parts])
        found = fill(simple, mask.shape[0], mask.shape[1])
        if (found & filled).sum() >= LEAST_IOU * (found | filled).sum():
            return simple
    return exact


def join(parts: Sequence[Polygon]) -> Polygon:
    """One polygon of several: the nearest part is joined to those before, until none is left."""
    rest = sorted(parts, key=len, reverse=True)
    joined = rest.pop(0)
    while rest:
        nearest = [_nearest(joined, part) for part in rest]
        number = min(range(len(rest)), key=lambda n: nearest[n][0])
        _, here, there = nearest[number]
        part = rest.pop(number)
        joined = np.concatenate([joined[: here + 1], part[there:], part[: there + 1], joined[here:]])
    return joined


def _nearest(one: Polygon, other: Polygon) -> tuple[float, int, int]:
    """The squared distance of the nearest two corners, and which they are."""
    best = (np.inf, 0, 0)
    for start in range(0, len(one), 1024):  # bounds the memory that the table of distances takes
        some = one[start : start + 1024]
        distances = ((some[:, None] - other[None]) ** 2).sum(axis=2)
        here, there = np.unravel_index(distances.argmin(), distances.shape)
        best = min(best, (float(distances[here, there]), start + int(here), int(there)))
    return best


def simplify(polygon: Polygon, tolerance: float) -> Polygon:
    """The polygon without the corners that are nearer than `tolerance` pixels to the line that replaces them.

    This is the method of Ramer, Douglas and Peucker, from the two corners that are far apart.
    """
    far = int(((polygon - polygon[0]) ** 2).sum(axis=1).argmax())
    closed = np.concatenate([polygon, polygon[:1]])
    is_kept = np.zeros(len(closed), bool)
    is_kept[[0, far, -1]] = True
    waiting = [(0, far), (far, len(closed) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        distances = _distances(closed[first + 1 : last], closed[first], closed[last])
        furthest = int(distances.argmax())
        if distances[furthest] > tolerance:
            middle = first + 1 + furthest
            is_kept[middle] = True
            waiting += [(first, middle), (middle, last)]
    simple = closed[:-1][is_kept[:-1]]
    return simple if len(simple) > 2 else polygon


def _distances(points: Polygon, start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far points are from the line between two others, or from where they are if that is one place."""
    along = end - start
    length = np.hypot(*along)
    offset = points - start
    if length == 0:
        return np.hypot(offset[:, 0], offset[:, 1])
    return np.asarray(np.abs(offset[:, 0] * along[1] - offset[:, 1] * along[0]) / length)


def fill(polygon: Polygon, height: int, width: int) -> NDArray[np.bool_]:
    """The pixels (H, W) whose centres lie within a polygon, by the even-odd rule."""
    flips = np.zeros((height, width + 1), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        top, bottom = np.ceil(np.array([min(y0, y1), max(y0, y1)]) - 0.5).astype(int)
        rows = np.arange(max(0, top), min(height, bottom))
        crossing = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        columns = np.ceil(crossing - 0.5).astype(int).clip(0, width)
        flips[rows, columns] ^= True
    return np.logical_xor.accumulate(flips, axis=1)[:, :-1]
