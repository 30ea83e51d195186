"""Format `datumaro`: one JSON of the Datumaro framework, which CVAT takes too.

https://docs.cvat.ai/docs/dataset_management/formats/format-datumaro: put the file into `annotations/`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vosctl.errors import MaskError
from vosctl.files import atomic_path, json_text
from vosctl.masks.coco_categories import categories_of
from vosctl.masks.documents import Item, is_json_of, is_whole, items_in, load_json
from vosctl.masks.instances import Instance, InstanceIds
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

_KINDS = ("mask", "polygon")


class DatumaroWriter(ExportWriter):
    """Writes an item a frame with a mask for each object; the attribute `track_id` is the object's id."""

    def __init__(self, path: Path, source: ClipInfo) -> None:
        super().__init__()
        self._path = path
        self._suffix = list_images(source.path)[0].suffix if source.is_folder else ".jpg"
        self._items: list[Item] = []
        self._ids: set[int] = set()
        self._names: dict[int, str] = {}

    def _add(self, frame: LabelledFrame) -> None:
        height, width = frame.labels.shape
        self._names.update(frame.names)
        annotations: list[Item] = []
        for object_id, counts in counts_by_object(frame.labels).items():
            self._ids.add(object_id)
            annotations.append(
                {
                    "id": len(annotations),
                    "type": "mask",
                    "attributes": {"track_id": object_id},
                    "group": 0,
                    "label_id": object_id,  # the label's number, when all labels are known
                    "rle": {"counts": counts_to_text(counts), "size": [height, width]},
                    "z_order": 0,
                }
            )
        self._items.append(
            {
                "id": frame.stem,
                "annotations": annotations,
                "attr": {"frame": len(self._items)},
                "image": {"path": f"{frame.stem}{self._suffix}", "size": [height, width]},
            }
        )

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if not keep:
            return
        categories = categories_of(self._ids, self._names)
        numbers = {object_id: n for n, one in enumerate(categories) for object_id in one.objects}
        for item in self._items:
            for annotation in item["annotations"]:
                annotation["label_id"] = numbers[annotation["label_id"]]
        labels = [{"name": one.name, "parent": "", "attributes": []} for one in categories]
        document = {
            "info": {},
            "categories": {"label": {"labels": labels, "attributes": ["track_id"]}},
            "items": self._items,
        }
        with atomic_path(self._path) as temporary:
            temporary.write_text(json_text(document) + "\n", encoding="utf-8")


def read_datumaro(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps, items in the file's order; masks and polygons are read.

    Raises:
        MaskError: the file is damaged.
    """
    document = load_json(path)
    items = items_in(document, "items", path, "Datumaro")
    stems = safe_stems([str(item.get("id", "")).replace("\\", "/").rpartition("/")[2] for item in items])
    names = _names(document)
    ids = InstanceIds(path)
    for item, stem in zip(items, stems, strict=True):
        listed = items_in(item, "annotations", path, "Datumaro")
        height, width = _size_of(item, listed, f"{path}, item {stem}")
        shapes = [one for one in listed if one.get("type") in _KINDS]
        if len(shapes) < len(listed):
            note("boxes, lines, points and tags are passed over: they are no masks")
        numbers = ids.of_frame([_instance(shape, names) for shape in shapes])
        masks = (  # one at a time: each may be as large as the frame
            (
                number,
                _mask_of(shape, f"{path}, item {stem}, annotation {shape.get('id')}", height, width, note),
            )
            for number, shape in zip(numbers, shapes, strict=True)
        )
        yield LabelledFrame(compose(height, width, masks, note), stem, names=dict(ids.names))


def _names(document: Any) -> list[str]:
    """The labels' names, by number."""
    try:
        return [str(label["name"]) for label in document["categories"]["label"]["labels"]]
    except (KeyError, TypeError):
        return []


def _size_of(item: Item, shapes: list[Item], where: str) -> tuple[int, int]:
    for key in ("image", "media"):
        image = item.get(key)
        size = image.get("size") if isinstance(image, dict) else None
        if isinstance(size, list) and len(size) == 2:
            width, height = check_size(where, size[1], size[0])
            return height, width
    for shape in shapes:
        code = shape.get("rle")
        size = code.get("size") if isinstance(code, dict) else None
        if isinstance(size, list) and len(size) == 2:
            width, height = check_size(where, size[1], size[0])
            return height, width
    raise MaskError(f"{where} has no size of its image; export it with the images' sizes")


def _instance(shape: Item, names: list[str]) -> Instance:
    number = shape.get("label_id")
    label = names[number] if is_whole(number) and 0 <= number < len(names) else ""
    attributes = shape.get("attributes")
    track = attributes.get("track_id") if isinstance(attributes, dict) else None
    return label, track if is_whole(track) else None


def _mask_of(shape: Item, where: str, height: int, width: int, note: Note) -> Mask:
    if shape["type"] == "mask":
        return mask_of_code(shape.get("rle"), where, height, width)
    note(FILLED)
    return fill_parts([polygon(shape.get("points"), where)], height, width)


FORMATS = (
    Format(
        "datumaro",
        "Datumaro JSON, masks run-length coded",
        DatumaroWriter,
        (".json",),
        is_exact=True,
        reader=Reader(
            "Datumaro JSON", lambda path: is_json_of(path, "datumaro"), read_datumaro, is_document=True
        ),
    ),
)
