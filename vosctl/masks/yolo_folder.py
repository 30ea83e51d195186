"""Format `yolo`: polygons as the segmentation models of the YOLO family are trained on."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from vosctl.arrays import object_ids_in
from vosctl.errors import MaskError
from vosctl.files import atomic_path, make_folder
from vosctl.masks.notes import READABLE, Note
from vosctl.masks.polygons import polygon_of
from vosctl.masks.spec import Format, Reader
from vosctl.masks.writer import ExportWriter, LabelledFrame, default_name
from vosctl.media.frame import ClipInfo

CLASSES = "classes.txt"
DATA = "data.yaml"

_DATA = """# For training: name this folder "labels", and put the frames into a folder "images" beside it.
path: ..
train: images
val: images
names:
"""


class YoloFolderWriter(ExportWriter):
    """Writes `STEM.txt` with a line `CLASS x1 y1 x2 y2 ...` per object, `classes.txt` and `data.yaml`.

    The class is the object's id less 1 or, where objects have names, the place of its name among them, so
    that objects of one name are of one class. Coordinates are divided by the width and height. An object in
    several parts is one polygon, joined as YOLO's own converters do it. The format has no holes: they are
    filled; and corners are left out while the polygon still covers its object (`LEAST_IOU`). It is not read
    back, as the pixels of a filled polygon depend on who fills it.
    """

    def __init__(self, path: Path, _: ClipInfo) -> None:
        super().__init__()
        make_folder(path)
        self._folder = path
        self._last_id = 0
        self._classes: dict[str, int] = {}  # by name, where objects have names

    def _class(self, object_id: int, frame: LabelledFrame) -> int:
        self._last_id = max(self._last_id, object_id)
        if not frame.names and not self._classes:
            return object_id - 1
        for one in sorted(frame.names):
            self._classes.setdefault(frame.name(one), len(self._classes))
        return self._classes.setdefault(frame.name(object_id), len(self._classes))

    def _add(self, frame: LabelledFrame) -> None:
        height, width = frame.labels.shape
        lines = []
        for object_id in object_ids_in(frame.labels):
            polygon = polygon_of(frame.labels == object_id)
            if polygon is not None:
                number = self._class(object_id, frame)
                numbers = (polygon / (width, height)).ravel()
                lines.append(" ".join([str(number), *(f"{one:.6f}" for one in numbers)]))
        self._save(f"{frame.stem}.txt", "".join(f"{line}\n" for line in lines))

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if not keep:
            return
        names = list(self._classes) or [default_name(number) for number in range(1, self._last_id + 1)]
        self._save(CLASSES, "".join(f"{name}\n" for name in names))
        listed = "".join(f"  {number}: {_yaml(name)}\n" for number, name in enumerate(names))
        self._save(DATA, _DATA.replace("names:\n", "names:\n" + listed if names else "names: {}\n"))

    def _save(self, name: str, text: str) -> None:
        with atomic_path(self._folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _yaml(name: str) -> str:
    """The name as YAML has it: in quotation marks, as JSON, where it is not plain words."""
    return name if re.fullmatch(r"[A-Za-z][\w -]*\w|[A-Za-z]", name) else json.dumps(name)


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
