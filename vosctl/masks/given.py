"""Masks that a person gives: one picture, or a file of annotations that tells of several frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from vosctl.arrays import MAX_ID, Labels, object_ids_in
from vosctl.errors import MaskError
from vosctl.masks import array_files, zip_export
from vosctl.masks.background import check_background
from vosctl.masks.notes import FIRST_FRAME_OF_SEVERAL
from vosctl.masks.pixel_ids import Meaning, Understood
from vosctl.masks.reading import Mask, fit, inverted, read_mask
from vosctl.masks.sources import reader_of
from vosctl.masks.spec import Reader
from vosctl.masks.writer import LabelledFrame

_DOCUMENTS = frozenset({".json", ".xml", ".zip", ".npz", ".txt"})
_VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".mxf", ".m4v", ".ts"})
FORMS = (*sorted(_DOCUMENTS), *sorted(_VIDEOS), ".npy")
"""Suffixes of files, other than pictures, that masks may be in."""


@dataclass(frozen=True)
class GivenMask:
    """A mask, and which frame its file says that it is of."""

    mask: Mask
    frame: str | int | None = None
    """The frame's name, or its number counted from 0; None where the file does not say."""


def read_given(
    path: Path, size: tuple[int, int], rotation: int = 0, invert: bool = False, at: int = 0
) -> list[GivenMask]:
    """Reads what a person gives as mask: see `read_mask` for pictures, `MaskSource` for all else.

    Of a file of annotations that lists several frames each is taken that shows an object. Of a video, and of
    an array of several frames, which have a mask for every frame, the one frame `at` is taken.

    Args:
        path: a picture, an array, a video, a file of annotations or a folder.
        size: (width, height) of the clip.
        rotation: see `read_mask`.
        invert: exchange object and background.
        at: number of the frame that the mask is to be of.

    Raises:
        MaskError: it cannot be read, holds no object, or has another size than the clip.
    """
    if not _is_of_several(path):
        return [GivenMask(read_mask(path, size, rotation, invert))]
    reader, notes = reader_of(path), _Notes()
    frames = (reader.read_given or reader.read)(path, notes)
    if reader.is_document or path.is_dir() or path.suffix.lower() == ".exr":
        return _of_document(list(frames), reader, notes, path, size, rotation, invert)
    listed = list(islice(frames, at + 1))
    if not listed:
        raise MaskError(f"{path} holds no masks")
    if at and len(listed) <= at:
        raise MaskError(f"{path} holds {len(listed)} masks, counted from 0, and none for frame {at}")
    if next(frames, None) is not None or at:
        notes(FIRST_FRAME_OF_SEVERAL.format(at))
    mask = _mask(listed[-1], reader, notes, path, size, rotation, invert)
    if mask is None:
        raise MaskError(f"{path} ({reader.form}) holds no object in frame {at}; mark at least one object")
    return [GivenMask(mask)]


def _is_of_several(path: Path) -> bool:
    suffix = path.suffix.lower()
    return (
        path.is_dir()
        or suffix == ".exr"
        or suffix in _DOCUMENTS
        or suffix in _VIDEOS
        or array_files.READERS[0].finds(path)
    )


def _of_document(
    frames: Sequence[LabelledFrame],
    reader: Reader,
    notes: "_Notes",
    path: Path,
    size: tuple[int, int],
    rotation: int,
    invert: bool,
) -> list[GivenMask]:
    counts = reader.counts_frames or (path.suffix.lower() == ".zip" and zip_export.counts_frames(path))
    found = []
    for frame in frames:
        mask = _mask(frame, reader, notes, path, size, rotation, invert)
        if mask is not None:
            name: str | int = int(frame.stem) if counts and frame.stem.isdecimal() else frame.stem
            found.append(GivenMask(mask, name if len(frames) > 1 else None))
    if not found:
        raise MaskError(
            f"{path} ({reader.form}) holds no object with an area in its {len(frames)} frames; mark "
            "at least one"
        )
    return found


def _mask(
    frame: LabelledFrame,
    reader: Reader,
    notes: "_Notes",
    path: Path,
    size: tuple[int, int],
    rotation: int,
    invert: bool,
) -> Mask | None:
    """The mask of a frame; None where it has no object."""
    labels, form = inverted(frame.labels, path, reader.form) if invert else (frame.labels, reader.form)
    object_ids = object_ids_in(labels)
    if not object_ids:
        return None
    labels, form = fit(labels, form, path, size, rotation)
    if not reader.is_document and object_ids == (1,) and not invert:
        check_background(Understood(labels, form, Meaning.MARKS), path)
    names = {object_id: name for object_id, name in frame.names.items() if object_id in object_ids}
    return Mask(path, labels, object_ids, "; ".join([form, *notes.texts]), names)


class _Notes:
    """Collects what a reader has to say."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> None:
        if text not in self.texts:
            self.texts.append(text)


class SharedIds:
    """Gives objects of one name the same id in all files that a person gives for a clip.

    Attributes:
        names: the labels so far, by id.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        self.names = dict(names)
        self._ids: dict[tuple[str, int], int] = {}
        self._learn(self.names)
        self._taken = set(names)

    def align(self, masks: Sequence[GivenMask]) -> list[GivenMask]:
        """The masks of one file with the ids that their objects have in the files before.

        Raises:
            MaskError: there is no id left.
        """
        names: dict[int, str] = {}
        for given in masks:
            names.update(given.mask.names)
        ids = {object_id for given in masks for object_id in given.mask.object_ids}
        change = self._change(names) if names else {}
        self._taken |= {change.get(object_id, object_id) for object_id in ids}
        self.names.update({change.get(object_id, object_id): name for object_id, name in names.items()})
        if all(object_id == new for object_id, new in change.items()):
            return list(masks)
        return [replace(given, mask=_renumbered(given.mask, change)) for given in masks]

    def _change(self, names: Mapping[int, str]) -> dict[int, int]:
        change: dict[int, int] = {}
        for object_id, key in _keys(names).items():
            new = self._ids.get(key)
            if new is None:
                used = self._taken | set(change.values())
                new = object_id if object_id not in used else _lowest_free(used)
                self._ids[key] = new
            change[object_id] = new
        return change

    def _learn(self, names: Mapping[int, str]) -> None:
        self._ids.update({key: object_id for object_id, key in _keys(names).items()})


def _keys(names: Mapping[int, str]) -> dict[int, tuple[str, int]]:
    """Each object's name, and which of that name it is."""
    counts: dict[str, int] = {}
    keys = {}
    for object_id, name in sorted(names.items()):
        counts[name] = counts.get(name, 0) + 1
        keys[object_id] = (name, counts[name])
    return keys


def _lowest_free(used: set[int]) -> int:
    free = next((number for number in range(1, MAX_ID + 1) if number not in used), None)
    if free is None:
        raise MaskError(f"the masks hold more than {MAX_ID} objects; a label map has {MAX_ID} at most")
    return free


def _renumbered(mask: Mask, change: Mapping[int, int]) -> Mask:
    table = np.arange(256, dtype=np.uint8)
    for old, new in change.items():
        table[old] = new
    labels: Labels = table[mask.labels]
    names = {change.get(object_id, object_id): name for object_id, name in mask.names.items()}
    return replace(mask, labels=labels, object_ids=object_ids_in(labels), names=names)
