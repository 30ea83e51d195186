"""Format `binary`: one folder per object, in it a black and white PNG for every frame."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vosctl.arrays import MAX_ID, Labels, object_ids_in
from vosctl.errors import MaskError
from vosctl.masks.notes import OVERLAP, Note
from vosctl.masks.object_folders import FILES_OF_OBJECTS, ObjectFolders
from vosctl.masks.reading import read_labels
from vosctl.masks.spec import Format, Reader
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.frame_folder import list_images, natural_key


class BinaryFolderWriter(ExportWriter):
    """Writes `ID/STEM.png`: 255 where the object is, 0 elsewhere."""

    def __init__(self, path: Path, _: ClipInfo) -> None:
        super().__init__()
        self._folders = ObjectFolders(path)

    def _add(self, frame: LabelledFrame) -> None:
        ids = object_ids_in(frame.labels)
        pictures = {i: np.where(frame.labels == i, np.uint8(255), np.uint8(0)) for i in ids}
        self._folders.write(frame.stem, pictures, np.zeros_like(frame.labels))

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if keep:
            self._folders.finish()


def object_folders(path: Path) -> dict[int, Path]:
    """The folders in `path` that are named by an object's id, by id; none where this is another layout."""
    found = {int(p.name): p for p in path.iterdir() if p.is_dir() and p.name.isascii() and p.name.isdecimal()}
    return {object_id: found[object_id] for object_id in sorted(found) if 1 <= object_id <= MAX_ID}


def read_binary_folder(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of a folder with one folder of binary masks per object.

    Where objects overlap, the one of the higher id is in front: a label map has one id a pixel. A frame that
    one object has no file for does not show that object.

    Raises:
        MaskError: a file cannot be read, is no binary mask, or has another size than the others of its frame.
    """
    files: dict[str, dict[int, Path]] = {}
    for object_id, folder in object_folders(path).items():
        for file in list_images(folder):
            files.setdefault(file.stem, {})[object_id] = file
    if not files:
        raise MaskError(
            f"{path} holds folders of objects, but no masks in them; expected {path / '1/00000.png'}"
        )
    for stem in sorted(files, key=natural_key):
        yield LabelledFrame(_combine(files[stem], note), stem)


def _combine(files: dict[int, Path], note: Note) -> Labels:
    labels: Labels | None = None
    for object_id, file in files.items():  # ascending
        size = (labels.shape[1], labels.shape[0]) if labels is not None else None
        mask, form = read_labels(file, size, {})
        if mask.max() > 1:
            raise MaskError(
                f"{file} ({form}) holds object {mask.max()}; expected 0 and 255 alone, as of one object"
            )
        if labels is None:
            labels = np.zeros_like(mask)
        if (labels[mask > 0] > 0).any():
            note(OVERLAP)
        labels[mask > 0] = object_id
    assert labels is not None
    return labels


def _is_of_objects(path: Path) -> bool:
    return path.is_dir() and bool(object_folders(path))


FORMATS = (
    Format(
        "binary",
        "folder per object of black and white PNGs",
        BinaryFolderWriter,
        pattern=FILES_OF_OBJECTS,
        is_exact=True,
        reader=Reader("folder of binary masks per object", _is_of_objects, read_binary_folder),
    ),
)
