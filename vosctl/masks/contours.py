"""Outlines of a binary mask as polygons."""

import numpy as np
from numpy.typing import NDArray

_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # right, down, left, up; the object is on the right hand


def outer_contours(mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The outlines of the parts of a mask, without those of holes.

    The lines run along the edges of pixels, so that a single pixel has the area 1 and a polygon without holes
    covers exactly the centres of its part's pixels. Pixels that touch at a corner alone are separate parts.

    Args:
        mask: (H, W).

    Returns:
        Polygons (N, 2) of corners (x, y) in 0..W and 0..H, clockwise as seen on the screen.
    """
    edges = _edges(mask)
    contours = []
    for y, x in np.argwhere(edges[0]).tolist():
        if edges[0, y, x]:
            contour = np.array(_follow(edges, x, y), np.int64)
            if _signed_area(contour) > 0:
                contours.append(contour)
    return contours


def _edges(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(4, H+1, W+1): whether an edge of an object's pixel leaves the corner (x, y) in each direction."""
    height, width = mask.shape
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    edges = np.zeros((4, height + 1, width + 1), bool)
    edges[0, :-1, :-1] = inside & ~padded[:-2, 1:-1]
    edges[1, :-1, 1:] = inside & ~padded[1:-1, 2:]
    edges[2, 1:, 1:] = inside & ~padded[2:, 1:-1]
    edges[3, 1:, :-1] = inside & ~padded[1:-1, :-2]
    return edges


def _follow(edges: NDArray[np.bool_], x: int, y: int) -> list[tuple[int, int]]:
    """The corners of the outline that leaves (x, y) to the right; its edges are taken out."""
    start = (x, y)
    corners = []
    direction = 0
    while True:
        x, y = x + _STEPS[direction][0], y + _STEPS[direction][1]
        # To the right first: where two pixels touch at a corner, the outline stays with its own.
        turns = ((direction + turn) % 4 for turn in (1, 0, 3))
        following = next(d for d in turns if edges[d, y, x])
        edges[following, y, x] = False
        if following != direction:
            corners.append((x, y))
        if (x, y) == start and following == 0:
            return corners
        direction = following


def _signed_area(contour: NDArray[np.int64]) -> float:
    """Positive for outlines, negative for holes."""
    x, y = contour.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)
