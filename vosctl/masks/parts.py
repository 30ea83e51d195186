"""The connected parts of a mask, and masks that grow and shrink."""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def label_parts(mask: Mask, diagonal: bool) -> NDArray[np.int32]:
    """Numbers the connected parts of a mask: 0 outside, 1, 2, ... within (H, W).

    Args:
        mask: (H, W).
        diagonal: pixels that touch at a corner alone are connected.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    step = np.diff(padded, axis=1)
    rows, starts = np.nonzero(step == 1)  # runs of pixels, row by row
    ends = np.nonzero(step == -1)[1]
    parents = _join(rows, starts, ends, height, int(diagonal))
    numbers = np.unique(parents, return_inverse=True)[1] + 1
    lengths = ends - starts
    places = np.repeat(rows * width + starts - np.cumsum(lengths) + lengths, lengths) + np.arange(
        lengths.sum()
    )
    parts = np.zeros(height * width, np.int32)
    parts[places] = np.repeat(numbers, lengths)
    return parts.reshape(height, width)


def _join(
    rows: NDArray[np.intp], starts: NDArray[np.intp], ends: NDArray[np.intp], height: int, reach: int
) -> list[int]:
    """For each run one run that stands for its part."""
    parents = list(range(len(rows)))

    def root(run: int) -> int:
        while parents[run] != run:
            parents[run] = parents[parents[run]]
            run = parents[run]
        return run

    first, last = starts.tolist(), ends.tolist()
    offsets = np.searchsorted(rows, np.arange(height + 1)).tolist()
    for row in range(1, height):
        above, here = offsets[row - 1], offsets[row]
        while above < offsets[row] and here < offsets[row + 1]:
            if first[here] < last[above] + reach and first[above] < last[here] + reach:
                one, other = root(above), root(here)
                parents[max(one, other)] = min(one, other)
            if last[above] < last[here]:
                above += 1
            else:
                here += 1
    return [root(run) for run in range(len(rows))]


def _around(mask: Mask, reach: int) -> tuple[slice, slice]:
    """The box of a mask that is not empty, with so many pixels more on each side as there are."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, rows[0] - reach), rows[-1] + 1 + reach),
        slice(max(0, columns[0] - reach), columns[-1] + 1 + reach),
    )


def dilate(mask: Mask, radius: int) -> Mask:
    """The mask (H, W) grown by a disc of a radius in pixels."""
    if not mask.any():
        return mask
    window = _around(mask, radius)
    part = mask[window]
    grown = np.zeros_like(part)
    sums = np.pad(np.cumsum(part, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    wide = np.arange(part.shape[1])
    for dy in range(-radius, radius + 1):
        reach = int((radius * radius - dy * dy) ** 0.5)
        ends = np.minimum(wide + reach + 1, part.shape[1])
        touched = sums[:, ends] > sums[:, np.maximum(wide - reach, 0)]
        grown[max(0, dy) : part.shape[0] + min(0, dy)] |= touched[max(0, -dy) : part.shape[0] - max(0, dy)]
    result = np.zeros_like(mask)
    result[window] = grown
    return result


def erode(mask: Mask, radius: int) -> Mask:
    """The mask (H, W) without what lies nearer than a radius to its outside; the picture's edge is none."""
    return ~dilate(~mask, radius)


def feathered(mask: Mask, reach: int) -> NDArray[np.float32]:
    """A matte (H, W) of a mask: its edge is a smooth step from 0 to 1, `reach` pixels to either side."""
    matte = np.zeros(mask.shape, np.float32)
    if not mask.any():
        return matte
    window = _around(mask, reach)
    soft = mask[window].astype(np.float32)
    # Two boxes in turn make a ramp that is smooth at both ends.
    for radius in (reach // 2, reach - reach // 2):
        for axis in (0, 1):
            soft = _box(soft, radius, axis)
    matte[window] = soft.clip(0, 1)
    return matte


def _box(values: NDArray[np.float32], radius: int, axis: int) -> NDArray[np.float32]:
    """The mean over 2 radius + 1 values along an axis; the outermost values go on beyond the edge."""
    pads = [(0, 0), (0, 0)]
    pads[axis] = (radius + 1, radius)
    sums = np.cumsum(np.pad(values, pads, mode="edge"), axis=axis, dtype=np.float64)
    size, count = 2 * radius + 1, values.shape[axis]
    upper = np.take(sums, np.arange(size, size + count), axis=axis)
    lower = np.take(sums, np.arange(count), axis=axis)
    return np.asarray((upper - lower) / size, np.float32)
