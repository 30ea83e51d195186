"""Format `yolo`: polygons as the segmentation models of the YOLO family are trained on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vosctl.errors import MaskError
from vosctl.masks.contours import outer_contours
from vosctl.masks.notes import READABLE, Note
from vosctl.masks.spec import Format, Reader
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.files import atomic_path, make_folder
from vosctl.media.frame import ClipInfo

CLASSES = "classes.txt"


class YoloFolderWriter(ExportWriter):
    """Writes `STEM.txt` with a line `CLASS x1 y1 x2 y2 ...` per part of an object, and `classes.txt`.

    The class is the object's id less 1, and coordinates are divided by the width and height. The format has
    no holes: they are filled. It is not read back, as the pixels of a filled polygon depend on who fills it.
    """

    def __init__(self, path: Path, _: ClipInfo) -> None:
        super().__init__()
        make_folder(path)
        self._folder = path
        self._last_id = 0

    def _add(self, frame: LabelledFrame) -> None:
        height, width = frame.labels.shape
        lines = []
        for object_id in np.flatnonzero(np.bincount(frame.labels.ravel())).tolist():
            if object_id == 0:
                continue
            self._last_id = max(self._last_id, object_id)
            for contour in outer_contours(frame.labels == object_id):
                numbers = (contour / (width, height)).ravel()
                lines.append(" ".join([str(object_id - 1), *(f"{number:.6f}" for number in numbers)]))
        self._save(f"{frame.stem}.txt", lines)

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if keep:
            self._save(CLASSES, [f"object {number}" for number in range(1, self._last_id + 1)])

    def _save(self, name: str, lines: list[str]) -> None:
        with atomic_path(self._folder / name) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _refuse(path: Path, _: Note) -> Iterator[LabelledFrame]:
    raise MaskError(
        f"{path} holds .txt files; polygons are not read, as filling them does not give back the masks' "
        f"pixels; give {READABLE}"
    )


def _holds_texts(path: Path) -> bool:
    return path.is_dir() and any(p.suffix.lower() == ".txt" for p in path.iterdir())


FORMATS = (
    Format(
        "yolo",
        "polygons as YOLO trains on; holes are filled",
        YoloFolderWriter,
        pattern="*.txt",
        reader=Reader("folder of polygons", _holds_texts, _refuse),
    ),
)
