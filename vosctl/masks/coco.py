"""Format `coco`: one JSON in COCO's layout, masks run-length coded as pycocotools reads them."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from vosctl.errors import MaskError
from vosctl.files import atomic_path
from vosctl.masks.coco_instances import object_ids
from vosctl.masks.notes import OVERLAP, Note
from vosctl.masks.rle import counts_by_object, counts_to_text, mask_of_counts, text_to_counts
from vosctl.masks.spec import Format, Reader, has_suffix
from vosctl.masks.stems import safe_stems
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.frame_folder import list_images
from vosctl.media.limits import check_size
from vosctl.version import __version__

_LONGEST = 1e9  # seconds that a time may have


class CocoWriter(ExportWriter):
    """Writes images (frames, with their time in seconds), annotations and one category per object id."""

    def __init__(self, path: Path, source: ClipInfo) -> None:
        super().__init__()
        self._path = path
        self._suffix = list_images(source.path)[0].suffix if source.is_folder else ".jpg"
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

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
        for object_id, counts in counts_by_object(frame.labels).items():
            rows, columns = (np.flatnonzero((frame.labels == object_id).any(axis=axis)) for axis in (1, 0))
            left, top = int(columns[0]), int(rows[0])
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": image_id,
                    "category_id": object_id,
                    "segmentation": {"size": [height, width], "counts": counts_to_text(counts)},
                    "area": int(counts[1::2].sum()),
                    "bbox": [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top],
                    "iscrowd": 0,
                }
            )

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if not keep:
            return
        ids = sorted({annotation["category_id"] for annotation in self._annotations})
        document = {
            "info": {"description": f"masks written by vosctl {__version__}"},
            "images": self._images,
            "annotations": self._annotations,
            "categories": [{"id": object_id, "name": f"object {object_id}"} for object_id in ids],
        }
        text = json.dumps(document, separators=(",", ":"))
        with atomic_path(self._path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")


def read_coco(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of a COCO JSON, images in the file's order; see `object_ids` for the ids.

    Run-length codes are read, as text or as counts; polygons are not, as filling them is not exact. Where
    objects overlap, the higher id is in front.

    Raises:
        MaskError: the file is not in COCO's layout, or holds polygons or ids that a label map cannot.
    """
    images, annotations = _parts(path)
    stems = safe_stems([_stem_of(image) for image in images])
    of_images = [annotations[image["id"]] for image in images]
    ids_of_images = object_ids(of_images, path, note)
    for image, stem, found, ids in zip(images, stems, of_images, ids_of_images, strict=True):
        where = f"{path}, image {stem}"
        width, height = check_size(where, image.get("width"), image.get("height"))
        labels = np.zeros((height, width), np.uint8)
        for object_id, annotation in sorted(zip(ids, found, strict=True), key=lambda pair: pair[0]):
            where = f"{path}, annotation {annotation.get('id')}"
            is_object = _mask_of(annotation, where, height, width)
            if ((labels > 0) & (labels != object_id) & is_object).any():
                note(OVERLAP)
            labels[is_object] = object_id
        yield LabelledFrame(labels, stem, _time_of(image))


def _stem_of(image: Mapping[str, Any]) -> str:
    name = image.get("file_name")
    return PureWindowsPath(name).stem if isinstance(name, str) else ""  # which knows both kinds of slash


def _parts(path: Path) -> tuple[list[dict[str, Any]], dict[int, list[dict[str, Any]]]]:
    """Returns the images, and the annotations by image id."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MaskError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    except (ValueError, RecursionError) as error:
        raise MaskError(f"{path} is not JSON; expected masks in COCO's layout") from error
    images = _objects_in(document, "images", path)
    annotations: dict[int, list[dict[str, Any]]] = {}
    for image in images:
        if not isinstance(image.get("id"), int) or image["id"] in annotations:
            raise MaskError(
                f"{path}: the id {image.get('id')!r} of an image is missing or not unique; number them"
            )
        annotations[image["id"]] = []
    for annotation in _objects_in(document, "annotations", path):
        image_id = annotation.get("image_id")
        if not isinstance(image_id, int) or image_id not in annotations:
            raise MaskError(
                f"{path}: annotation {annotation.get('id')} is of image {image_id!r}, which is not listed"
            )
        annotations[image_id].append(annotation)
    return images, annotations


def _objects_in(document: object, key: str, path: Path) -> list[dict[str, Any]]:
    listed = document.get(key) if isinstance(document, dict) else None
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise MaskError(f"{path} has no list of {key}; expected masks in COCO's layout")
    return listed


def _mask_of(
    annotation: Mapping[str, Any], where: str, height: int, width: int
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    code = annotation.get("segmentation")
    if isinstance(code, list):
        raise MaskError(f"{where} is a polygon, which does not fix its pixels; give run-length codes")
    if not isinstance(code, dict) or code.get("size") != [height, width]:
        size = code.get("size") if isinstance(code, dict) else None
        raise MaskError(f"{where} has a mask of size {size}; expected [height, width] = [{height}, {width}]")
    counts = code.get("counts")
    try:
        if isinstance(counts, str):
            return mask_of_counts(text_to_counts(counts), height, width)
        return mask_of_counts(np.array(counts, np.int64).reshape(-1), height, width)
    except (TypeError, ValueError, OverflowError) as error:
        raise MaskError(f"{where} is damaged: {error}; export it again") from error


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
        reader=Reader("COCO JSON", has_suffix(".json"), read_coco),
    ),
)
