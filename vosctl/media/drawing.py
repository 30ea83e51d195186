"""Masks drawn over a picture."""

import numpy as np
from numpy.typing import NDArray

from vosctl.media.id_colours import PALETTE

# One pixel of contour for each of these many lines of the picture.
_LINES_PER_CONTOUR_PIXEL = 360


def _contour_colours() -> NDArray[np.uint8]:
    """The palette with every colour at full brightness: the first ones are too dark to stand out as lines."""
    brightest = np.maximum(PALETTE.max(axis=1, keepdims=True), 1)
    return np.asarray(PALETTE.astype(np.uint16) * 255 // brightest, np.uint8)


_CONTOUR = _contour_colours()


def draw_overlay(
    rgb: NDArray[np.uint8], labels: NDArray[np.uint8], opacity: float = 0.5, contour: bool = True
) -> NDArray[np.uint8]:
    """Returns a copy of the picture with each object tinted in its DAVIS colour and outlined.

    Args:
        rgb: (H, W, 3) uint8; it is not changed.
        labels: (H, W) uint8, 0 is background.
        opacity: share of the colour in the tint, from 0 (outline alone) to 1 (flat colour).
        contour: whether the outline is drawn, inside the object.

    Raises:
        ValueError: the opacity is not in [0, 1].
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie in [0, 1], not {opacity}")
    drawn = rgb.copy()
    rows = np.flatnonzero(labels.any(axis=1))
    if not len(rows):
        return drawn
    columns = np.flatnonzero(labels[rows[0] : rows[-1] + 1].any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inside = np.ascontiguousarray(labels[box])
    pixels = np.flatnonzero(inside)
    ids = inside.ravel()[pixels]
    part = np.ascontiguousarray(drawn[box]).reshape(-1, 3)

    share = round(opacity * 256)
    tint = PALETTE.astype(np.uint16) * share + 128  # (256, 3), the colour's part, and the rounding
    part[pixels] = (part[pixels] * np.uint16(256 - share) + tint[ids]) >> 8
    if contour:
        line = np.flatnonzero(_contour_mask(inside, max(1, rgb.shape[0] // _LINES_PER_CONTOUR_PIXEL)))
        part[line] = _CONTOUR[inside.ravel()[line]]
    drawn[box] = part.reshape(*inside.shape, 3)
    return drawn


def _contour_mask(labels: NDArray[np.uint8], thickness: int) -> NDArray[np.bool_]:
    """The pixels of objects (H, W) within `thickness` pixels of another label or of the box's edge."""
    # The box ends where the objects end, so that its edge is a contour, or the edge of the picture.
    kept = np.pad(labels, thickness)
    edge = np.zeros(labels.shape, bool)
    height, width = labels.shape
    for step in range(1, thickness + 1):
        for dy, dx in ((step, 0), (-step, 0), (0, step), (0, -step)):
            neighbour = kept[thickness + dy :, thickness + dx :][:height, :width]
            edge |= neighbour != labels
    return edge & (labels > 0)
