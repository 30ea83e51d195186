"""Format `numpy`: all label maps as one compressed array, for `numpy.load`."""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from vosctl.arrays import MAX_ID, Labels
from vosctl.errors import MaskError
from vosctl.files import atomic_path
from vosctl.masks.notes import VOID_IS_BACKGROUND, Note
from vosctl.masks.spec import Format, Reader, has_suffix
from vosctl.masks.stems import safe_stems
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.broken_files import NPY_ERRORS
from vosctl.media.frame import ClipInfo
from vosctl.media.limits import check_size


class NumpyArchiveWriter(ExportWriter):
    """Writes an `.npz`: `labels` (N, H, W) uint8, `stems` (N,) and `times` (N,), NaN if unknown."""

    def __init__(self, path: Path, _: ClipInfo) -> None:
        super().__init__()
        self._path = path
        # The array's header comes first and holds N, which is known last. Label maps wait compressed: of a
        # DAVIS clip some 4 KB a frame in place of 410.
        self._frames: list[bytes] = []
        self._stems: list[str] = []
        self._times: list[float] = []
        self._shape = (0, 0)

    def _add(self, frame: LabelledFrame) -> None:
        self._shape = frame.labels.shape
        self._frames.append(zlib.compress(frame.labels.tobytes(), 1))
        self._stems.append(frame.stem)
        self._times.append(float("nan") if frame.time is None else float(frame.time))

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if not keep:
            return
        with (
            atomic_path(self._path) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            with archive.open("labels.npy", "w", force_zip64=True) as entry:
                shape = (len(self._frames), *self._shape)
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                npy.write_array_header_1_0(entry, header)
                for frame in self._frames:
                    entry.write(zlib.decompress(frame))
            for name, values in (("stems", np.array(self._stems, str)), ("times", np.array(self._times))):
                with archive.open(f"{name}.npy", "w") as entry:
                    npy.write_array(entry, values, allow_pickle=False)


def read_numpy_archive(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of an `.npz` with an array `labels` (N, H, W) of whole numbers or booleans.

    One map is in memory at a time. `stems` and `times` are used where they are there.

    Raises:
        MaskError: the file is damaged, has no such array, or holds ids that a label map cannot.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if "labels.npy" not in archive.namelist():
                raise MaskError(f"{path} has no array labels; save it with numpy.savez(FILE, labels=LABELS)")
            size = _size_of(archive, "labels.npy", path)
            with archive.open("labels.npy") as entry:
                count, height, width, kind = _header(entry, path)
                if count * height * width * kind.itemsize > size:
                    raise MaskError(
                        f"{path} claims {count} label maps of {width}x{height}, but holds {size} bytes; "
                        "save it again"
                    )
                stems, times = _names(archive, count, path)
                for index in range(count):
                    labels = _next(entry, (height, width), kind, path, index, note)
                    yield LabelledFrame(labels, stems(index), times(index))
    except OSError as error:
        raise MaskError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    except (*NPY_ERRORS, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise MaskError(f"{path} is not an .npz that NumPy wrote, or it is damaged; save it again") from error


def _header(entry: IO[bytes], path: Path) -> tuple[int, int, int, np.dtype[Any]]:
    """Reads N, H, W and the dtype from the array's header."""
    shape, is_fortran, kind = _read_header(entry)
    if len(shape) != 3 or kind.kind not in "biu" or is_fortran:
        order = " in Fortran order" if is_fortran else ""
        raise MaskError(
            f"{path} holds labels {kind} {shape}{order}; expected whole numbers (N, H, W) in C order"
        )
    check_size(path, shape[2], shape[1])
    return shape[0], shape[1], shape[2], kind


def _read_header(entry: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is in Fortran order, and dtype."""
    read = npy.read_array_header_1_0 if npy.read_magic(entry) == (1, 0) else npy.read_array_header_2_0
    return read(entry)


def _next(
    entry: IO[bytes], shape: tuple[int, int], kind: np.dtype[Any], path: Path, index: int, note: Note
) -> Labels:
    size = shape[0] * shape[1] * kind.itemsize
    data = entry.read(size)
    if len(data) < size:
        raise MaskError(f"{path} breaks off in frame {index}; save it again")
    values = np.frombuffer(data, kind).reshape(shape)
    low, high = values.min(), values.max()
    if low < 0 or high > MAX_ID + 1:
        raise MaskError(
            f"{path} holds the value {low if low < 0 else high} in frame {index}; ids lie in 1..{MAX_ID}"
        )
    if high <= MAX_ID:
        return values.astype(np.uint8)
    note(VOID_IS_BACKGROUND)
    return np.where(values > MAX_ID, 0, values).astype(np.uint8)


_MOST_INFLATED = 1032  # times: what deflate makes of a byte at the most
_MOST_NAMES = 1 << 27  # bytes of the names, or of the times, of all frames


def _size_of(archive: zipfile.ZipFile, name: str, path: Path) -> int:
    """How many bytes an entry holds, if so many can come out of those that the file has of it.

    Raises:
        MaskError: it claims more, or is packed in a way that NumPy does not use.
    """
    entry = archive.getinfo(name)
    packed = min(entry.compress_size, path.stat().st_size)
    is_known = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if not is_known or entry.file_size > packed * _MOST_INFLATED:
        raise MaskError(
            f"{path} claims {entry.file_size} bytes of {name} in {packed}, which NumPy did not write; "
            "save it again"
        )
    return entry.file_size


def _names(
    archive: zipfile.ZipFile, count: int, path: Path
) -> tuple[Callable[[int], str], Callable[[int], Fraction | None]]:
    """Stem and time by a frame's index."""
    stems = _column(archive, "stems.npy", "U", count, path)
    times = _column(archive, "times.npy", "f", count, path)
    names = safe_stems([str(stem) for stem in stems]) if stems is not None else None

    def time_of(index: int) -> Fraction | None:
        if times is None or not np.isfinite(times[index]):
            return None
        return Fraction(float(times[index])).limit_denominator(90000)

    return (lambda index: names[index] if names else f"{index:05d}"), time_of


def _column(
    archive: zipfile.ZipFile, name: str, kind: str, count: int, path: Path
) -> np.ndarray[Any, np.dtype[Any]] | None:
    """Returns an array (N,) of a kind of number or text, or None where there is none."""
    if name not in archive.namelist():
        return None
    size = _size_of(archive, name, path)
    with archive.open(name) as entry:
        shape, _, found = _read_header(entry)
    if shape != (count,) or found.kind != kind or found.itemsize * count > min(size, _MOST_NAMES):
        return None
    with archive.open(name) as entry:
        return npy.read_array(entry, allow_pickle=False)


FORMATS = (
    Format(
        "numpy",
        "array of label maps",
        NumpyArchiveWriter,
        (".npz",),
        is_exact=True,
        reader=Reader("NumPy archive", has_suffix(".npz"), read_numpy_archive),
    ),
)
