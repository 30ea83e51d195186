"""Where an object is in a frame: box, centroid, area."""

from dataclasses import dataclass

import numpy as np

from vosctl.arrays import Labels


@dataclass(frozen=True)
class Measures:
    """One object in one frame, in pixels; a pixel's centre is half a pixel from its edges."""

    left: int
    top: int
    width: int
    height: int
    centroid_x: float
    centroid_y: float
    area: int


def measure(labels: Labels, object_id: int) -> Measures | None:
    """Measures an object of a label map (H, W); None where it is not there."""
    mask = labels == object_id
    by_row, by_column = mask.sum(axis=1), mask.sum(axis=0)
    rows, columns = np.flatnonzero(by_row), np.flatnonzero(by_column)
    if not rows.size:
        return None
    area = int(by_row.sum())
    return Measures(
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0]) + 1,
        int(rows[-1] - rows[0]) + 1,
        float((by_column * (np.arange(len(by_column)) + 0.5)).sum() / area),
        float((by_row * (np.arange(len(by_row)) + 0.5)).sum() / area),
        area,
    )
