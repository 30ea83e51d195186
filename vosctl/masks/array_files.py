"""Arrays of several label maps or masks in an `.npy`, or in an `.npz` that is not of our own layout."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from vosctl.arrays import MAX_ID
from vosctl.errors import MaskError
from vosctl.masks.notes import Note
from vosctl.masks.overlaps import compose
from vosctl.masks.pixel_ids import understand_array
from vosctl.masks.spec import Reader
from vosctl.masks.writer import LabelledFrame
from vosctl.media.broken_files import NPY_ERRORS
from vosctl.media.limits import check_size

_ERRORS = (*NPY_ERRORS, zipfile.BadZipFile, RuntimeError)


def read_arrays(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of an array (N, H, W) or (H, W).

    Whole numbers (N, H, W) are the ids of N frames. Booleans (N, H, W) are the masks of N objects of one
    frame, as detectors give them, numbered from 1.

    Raises:
        MaskError: the file is damaged, or it is not clear which array is meant.
    """
    array = _load(path)
    check_size(path, array.shape[-1], array.shape[-2])
    if array.ndim == 3 and array.dtype.kind == "b":
        if len(array) > MAX_ID:
            raise MaskError(f"{path} holds {len(array)} masks; a label map has {MAX_ID} objects at most")
        note(f"booleans {array.shape} were read as the masks of {len(array)} objects of one frame")
        masks = enumerate((np.asarray(mask) for mask in array), 1)
        yield LabelledFrame(compose(array.shape[1], array.shape[2], masks, note), path.stem)
        return
    if array.ndim == 2:
        yield LabelledFrame(understand_array(array, path).labels, path.stem)
        return
    for index, labels in enumerate(array):
        yield LabelledFrame(understand_array(labels, path).labels, f"{index:05d}")


def _load(path: Path) -> NDArray[Any]:
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            array = loaded
        else:
            with loaded:
                found = {name: loaded[name] for name in loaded.files if loaded[name].ndim in (2, 3)}
            if len(found) != 1:
                names = ", ".join(found) or "none"
                raise MaskError(
                    f"{path} holds {len(found)} arrays that may be masks ({names[:60]}); expected "
                    "one, or one that is called labels"
                )
            (array,) = found.values()
    except _ERRORS as error:
        raise MaskError(f"{path} cannot be read as NumPy arrays: {error}; save it with numpy.save") from error
    if array.ndim > 2:  # sides of 1, which some programs add
        array = array.reshape([n for at, n in enumerate(array.shape) if n != 1 or at >= array.ndim - 2])
    if array.ndim not in (2, 3) or array.dtype.kind not in "biu":
        raise MaskError(
            f"{path} holds {array.dtype} {array.shape}; expected whole numbers or "
            "booleans (H, W) or (N, H, W)"
        )
    return array


def _is_of_several(path: Path) -> bool:
    """Whether a file is an `.npy` of three dimensions, or an `.npz` without our own `labels`."""
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".npz") or not path.is_file():
        return False
    try:
        if suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
            return bool(names) and "labels.npy" not in names
        with path.open("rb") as file:
            read = npy.read_array_header_1_0 if npy.read_magic(file) == (1, 0) else npy.read_array_header_2_0
            return sum(n != 1 for n in read(file)[0]) > 2
    except _ERRORS:
        return False  # the reader of single masks, or of our own archives, tells what is wrong


READERS = (Reader("NumPy arrays", _is_of_several, read_arrays),)
