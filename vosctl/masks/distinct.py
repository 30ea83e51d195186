"""The distinct values of an image and where they are, strip by strip: a large image needs little memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_VALUES = 256
"""A label map has at most so many: 254 objects, background and void."""
_STRIP = 1 << 20  # pixels
_STOP = 1 << 16  # values, from which on nobody wants to know the number

Rows = Callable[[int, int], NDArray[Any]]
"""Gives the rows from the first to before the second, whole numbers or booleans (h, W)."""


class TooManyValuesError(Exception):
    """There are more values than a label map can hold; `count` says how many have been found."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


@dataclass(frozen=True)
class Indexed:
    """An image of few values."""

    index: NDArray[np.uint8]
    """(H, W): which of the values each pixel has."""
    values: NDArray[np.int64]
    """(N,) ascending, each of which occurs."""

    def as_labels(self, ids: NDArray[np.integer]) -> NDArray[np.uint8]:
        """The label map (H, W) in which each value becomes its id (N,)."""
        labels: NDArray[np.uint8] = ids.astype(np.uint8)[self.index]
        return labels


def strips(height: int, width: int) -> Iterator[tuple[int, int]]:
    """First and last row (which is outside) of strips that make up an image."""
    step = max(1, _STRIP // max(1, width))
    return ((top, min(top + step, height)) for top in range(0, height, step))


def rows_of_array(array: NDArray[np.generic]) -> Rows:
    """The rows of an array (H, W) of whole numbers or booleans."""
    return lambda top, bottom: np.asarray(array[top:bottom])


def rows_of_image(image: Image.Image) -> Rows:
    """The rows of an image with one channel."""
    return lambda top, bottom: np.asarray(image.crop((0, top, image.width, bottom)))


def index_values(rows: Rows, height: int, width: int) -> Indexed:
    """Find the values, and which pixel has which.

    Raises:
        TooManyValuesError: there are more than `MOST_VALUES`.
    """
    values = np.zeros(0, np.int64)
    for top, bottom in strips(height, width):
        values = np.union1d(values, _runs(rows(top, bottom))[0])
        if len(values) > _STOP:
            break
    if len(values) > MOST_VALUES:
        raise TooManyValuesError(len(values))
    index = np.empty((height, width), np.uint8)
    for top, bottom in strips(height, width):
        found, lengths = _runs(rows(top, bottom))
        runs = np.searchsorted(values, found).astype(np.uint8)
        index[top:bottom] = np.repeat(runs, lengths).reshape(bottom - top, width)
    return Indexed(index, values)


def _runs(pixels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Value and length of each run of equal pixels, row by row: masks have few, and sorting is slow."""
    flat = pixels.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    return flat[starts].astype(np.int64), np.diff(starts, append=flat.size)
