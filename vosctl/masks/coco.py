"""Format `coco`: one JSON in COCO's layout, masks run-length coded as pycocotools reads them."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vosctl.errors import MaskError
from vosctl.files import atomic_path
from vosctl.masks.coco_categories import WRITTEN_BY, categories_of, names_of, own_ids
from vosctl.masks.coco_instances import object_ids
from vosctl.masks.documents import is_json_of, items_in, load_json, stem_of
from vosctl.masks.notes import Note
from vosctl.masks.overlaps import compose
from vosctl.masks.rle import counts_by_object, counts_to_text
from vosctl.masks.shapes import FILLED, Mask, fill_parts, mask_of_code, polygon
from vosctl.masks.spec import Format, Reader
from vosctl.masks.stems import safe_stems
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.frame_folder import list_images
from vosctl.media.limits import check_size
from vosctl.version import __version__

_LONGEST = 1e9  # seconds that a time may have


class CocoWriter(ExportWriter):
    """Writes images (frames, with their time in seconds), annotations and one category per name.

    `track_id` is the object's id. Objects without a name have a category each, whose id is theirs.
    """

    def __init__(self, path: Path, source: ClipInfo) -> None:
        super().__init__()
        self._path = path
        self._suffix = list_images(source.path)[0].suffix if source.is_folder else ".jpg"
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._names: dict[int, str] = {}

    def _add(self, frame: LabelledFrame) -> None:
        height, width = frame.labels.shape
        image_id = len(self._images) + 1
        image: dict[str, Any] = {
            "id": image_id,
            "file_name": f"{frame.stem}{self._suffix}",
            "width": width,
            "height": height,
        }
        if frame.time is not None:
            image["time"] = float(frame.time)
        self._images.append(image)
        self._names.update(frame.names)
        for object_id, counts in counts_by_object(frame.labels).items():
            rows, columns = (np.flatnonzero((frame.labels == object_id).any(axis=axis)) for axis in (1, 0))
            left, top = int(columns[0]), int(rows[0])
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": image_id,
                    "category_id": object_id,
                    "track_id": object_id,
                    "segmentation": {"size": [height, width], "counts": counts_to_text(counts)},
                    "area": int(counts[1::2].sum()),
                    "bbox": [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top],
                    "iscrowd": 0,
                }
            )

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if not keep:
            return
        categories = categories_of({annotation["track_id"] for annotation in self._annotations}, self._names)
        by_object = {object_id: category for category in categories for object_id in category.objects}
        for annotation in self._annotations:
            annotation["category_id"] = by_object[annotation["track_id"]].id
        document = {
            "info": {"description": f"{WRITTEN_BY} {__version__}"},
            "images": self._images,
            "annotations": self._annotations,
            "categories": [{"id": category.id, "name": category.name} for category in categories],
        }
        text = json.dumps(document, separators=(",", ":"))
        with atomic_path(self._path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")


def read_coco(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of a COCO JSON, images in the file's order; see `object_ids` for the ids.

    Run-length codes are read, as text or as counts, and polygons, which are filled. Where objects overlap,
    the higher id is in front.

    Raises:
        MaskError: the file is not in COCO's layout, or holds ids that a label map cannot.
    """
    document = load_json(path)
    images, annotations = _parts(document, path)
    stems = safe_stems([stem_of(image.get("file_name")) for image in images])
    of_images = [annotations[image["id"]] for image in images]
    ids_of_images = own_ids(document, of_images) or object_ids(of_images, path, note)
    names = names_of(document, of_images, ids_of_images)
    for image, stem, found, ids in zip(images, stems, of_images, ids_of_images, strict=True):
        width, height = check_size(f"{path}, image {stem}", image.get("width"), image.get("height"))
        masks = (  # one at a time: each may be as large as the frame
            (
                object_id,
                _mask_of(annotation, f"{path}, annotation {annotation.get('id')}", height, width, note),
            )
            for object_id, annotation in sorted(zip(ids, found, strict=True), key=lambda pair: pair[0])
        )
        yield LabelledFrame(compose(height, width, masks, note), stem, _time_of(image), names=names)


def _parts(document: object, path: Path) -> tuple[list[dict[str, Any]], dict[int, list[dict[str, Any]]]]:
    """Returns the images, and the annotations by image id."""
    images = items_in(document, "images", path, "COCO")
    annotations: dict[int, list[dict[str, Any]]] = {}
    for image in images:
        if not isinstance(image.get("id"), int) or image["id"] in annotations:
            raise MaskError(
                f"{path}: the id {image.get('id')!r} of an image is missing or not unique; number them"
            )
        annotations[image["id"]] = []
    for annotation in items_in(document, "annotations", path, "COCO"):
        image_id = annotation.get("image_id")
        if not isinstance(image_id, int) or image_id not in annotations:
            raise MaskError(
                f"{path}: annotation {annotation.get('id')} is of image {image_id!r}, which is not listed"
            )
        annotations[image_id].append(annotation)
    return images, annotations


def _mask_of(annotation: Mapping[str, Any], where: str, height: int, width: int, note: Note) -> Mask:
    code = annotation.get("segmentation")
    if not isinstance(code, list):
        return mask_of_code(code, where, height, width)
    note(FILLED)
    return fill_parts([polygon(part, where) for part in code], height, width)


def _time_of(image: Mapping[str, Any]) -> Fraction | None:
    value = image.get("time")
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LONGEST:
        return None
    return Fraction(value).limit_denominator(90000)


FORMATS = (
    Format(
        "coco",
        "COCO JSON, run-length coded",
        CocoWriter,
        (".json",),
        is_exact=True,
        reader=Reader("COCO JSON", lambda path: is_json_of(path, "coco"), read_coco, is_document=True),
    ),
)
