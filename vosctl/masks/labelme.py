"""Format `labelme`: a JSON file a frame, as LabelMe keeps them beside the images.

https://labelme.io: `shapes` with `label`, `points`, `group_id` and `shape_type`; from version 5.3 on a shape
may be a `mask`, a PNG in base64 whose `points` are the top left and the bottom right pixel, both inside.
"""

import base64
import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vosctl.errors import MaskError, UsageError
from vosctl.files import atomic_path, json_text, make_folder
from vosctl.masks.documents import Item, is_json_of, is_whole, items_in, load_json, stem_of
from vosctl.masks.instances import InstanceIds
from vosctl.masks.notes import Note
from vosctl.masks.overlaps import compose
from vosctl.masks.polygons import polygon_of
from vosctl.masks.shapes import FILLED, Mask, circle, fill_parts, polygon, rectangle
from vosctl.masks.spec import Format, Reader
from vosctl.masks.stems import safe_stems
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.broken_files import IMAGE_ERRORS
from vosctl.media.frame import ClipInfo
from vosctl.media.frame_folder import list_images, natural_key
from vosctl.media.limits import check_size

_VERSION = "5.4.1"  # of LabelMe, whose layout this is
_OTHER_SHAPES = ("line", "linestrip", "point", "points")


class LabelmeWriter(ExportWriter):
    """Writes `STEM.json`: a shape for each object, with its name as label and its id as `group_id`.

    A polygon has no holes and few corners, and an object in several parts is one, as in `yolo`.
    """

    def __init__(self, path: Path, source: ClipInfo, is_exact: bool = False) -> None:
        super().__init__()
        make_folder(path)
        self._folder, self._is_exact = path, is_exact
        self._suffix = list_images(source.path)[0].suffix if source.is_folder else ".jpg"

    def _add(self, frame: LabelledFrame) -> None:
        shapes = []
        for object_id in np.flatnonzero(np.bincount(frame.labels.ravel())).tolist():
            drawn = self._shape(frame.labels == object_id) if object_id else None
            if drawn:
                shapes.append({"label": frame.name(object_id), "group_id": object_id, **drawn, "flags": {}})
        height, width = frame.labels.shape
        document = {
            "version": _VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": f"{frame.stem}{self._suffix}",
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        with atomic_path(self._folder / f"{frame.stem}.json") as temporary:
            temporary.write_text(json_text(document, indent=2) + "\n", encoding="utf-8")

    def _shape(self, mask: Mask) -> Item | None:
        if not self._is_exact:
            corners = polygon_of(mask)
            if corners is None:
                return None
            return {"points": corners.tolist(), "shape_type": "polygon", "mask": None}
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        top, bottom, left, right = (int(n) for n in (rows[0], rows[-1], columns[0], columns[-1]))
        file = io.BytesIO()
        Image.fromarray(mask[top : bottom + 1, left : right + 1].astype(np.uint8)).save(file, "PNG")
        text = base64.b64encode(file.getvalue()).decode("ascii")
        return {"points": [[left, top], [right, bottom]], "shape_type": "mask", "mask": text}

    def _close(self, error: BaseException | None, keep: bool) -> None:
        """Each file is whole already."""


def read_labelme(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of a LabelMe file, or of a folder of them in natural order of their names.

    Shapes of a label with one `group_id` are one object, the others one each; see `InstanceIds`. Where
    objects overlap, the shape that comes later in the file is in front.

    Raises:
        MaskError: a file is damaged, or none of LabelMe's.
    """
    files = [path] if path.is_file() else _files_in(path)
    found = [_shapes_in(file) for file in files]
    stems = safe_stems([stem_of(document.get("imagePath")) or file.stem for document, file in found])
    ids = InstanceIds(path)
    for stem, (document, file) in zip(stems, found, strict=True):
        width, height = check_size(file, document.get("imageWidth"), document.get("imageHeight"))
        shapes = [shape for shape in document["shapes"] if shape.get("shape_type") not in _OTHER_SHAPES]
        if len(shapes) < len(document["shapes"]):
            note("lines and points are passed over: they have no area")
        numbers = ids.of_frame([(_label(shape), _group(shape)) for shape in shapes])
        masks = (  # one at a time: each may be as large as the frame
            (number, _mask_of(shape, f"{file}, shape {index} ({_label(shape)})", height, width, note))
            for index, (number, shape) in enumerate(zip(numbers, shapes, strict=True))
        )
        yield LabelledFrame(compose(height, width, masks, note), stem, names=dict(ids.names))


def _files_in(folder: Path) -> list[Path]:
    files = (p for p in folder.iterdir() if is_json_of(p, "labelme") and not p.name.startswith("."))
    return sorted(files, key=lambda p: natural_key(p.stem))


def _shapes_in(file: Path) -> tuple[Item, Path]:
    document = load_json(file)
    items_in(document, "shapes", file, "LabelMe")
    return document, file


def _label(shape: Item) -> str:
    return str(shape.get("label") or "")


def _group(shape: Item) -> int | None:
    return shape["group_id"] if is_whole(shape.get("group_id")) else None


def _mask_of(shape: Item, where: str, height: int, width: int, note: Note) -> Mask:
    kind = shape.get("shape_type") or "polygon"
    if kind == "mask":
        return _mask_in(shape, where, height, width)
    note(FILLED)
    if kind == "polygon":
        return fill_parts([polygon(shape.get("points"), where)], height, width)
    if kind not in ("rectangle", "circle"):
        raise MaskError(
            f"{where} is of the kind {str(kind)[:20]}; expected a polygon, rectangle, circle or mask"
        )
    points: Any = shape.get("points")
    two = polygon([*points[:2], points[0]] if isinstance(points, list) and len(points) > 1 else None, where)
    corners = (rectangle if kind == "rectangle" else circle)(two[0], two[1])
    return fill_parts([corners], height, width)


def _mask_in(shape: Item, where: str, height: int, width: int) -> Mask:
    """The mask that a shape holds as a PNG, put where its first point is."""
    mask = np.zeros((height, width), bool)
    try:
        left, top = (int(number) for number in shape["points"][0])
        content = base64.b64decode(shape["mask"], validate=True)
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            check_size(where, *image.size)
            part = np.asarray(image.convert("L")) > 0
    except IMAGE_ERRORS as error:
        raise MaskError(f"{where} holds no mask that can be read: {error}; draw it again") from error
    if left < 0 or top < 0 or left + part.shape[1] > width or top + part.shape[0] > height:
        raise MaskError(
            f"{where} has a mask that reaches beyond the picture, {width}x{height}; draw it again"
        )
    mask[top : top + part.shape[0], left : left + part.shape[1]] = part
    return mask


def _is_labelme(path: Path) -> bool:
    if not path.is_dir():
        return is_json_of(path, "labelme")
    files = sorted(p for p in path.iterdir() if p.suffix.lower() == ".json" and not p.name.startswith("."))
    return bool(files) and is_json_of(files[0], "labelme")


def _variant(value: str) -> Format:
    if value != "exact":
        raise UsageError(
            f"labelme:{value[:20]} is not known; use labelme (polygons) or labelme:exact (masks)"
        )
    return Format(
        "labelme",
        "a LabelMe JSON a frame, exact masks",
        partial(LabelmeWriter, is_exact=True),
        pattern="*.json",
        is_exact=True,
    )


FORMATS = (
    Format(
        "labelme",
        "a LabelMe JSON a frame, polygons",
        LabelmeWriter,
        pattern="*.json",
        reader=Reader("LabelMe JSON", _is_labelme, read_labelme, is_document=True),
        variant=_variant,
    ),
)
