"""Format `label-studio`: the JSON of Label Studio, a task a frame, with brush or polygon labels.

https://labelstud.io/tags/brushlabels: a result has `original_width`, `original_height`, and a `value` with
`rle` and `brushlabels`, or with `points` in percent of the picture and `polygonlabels`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vosctl.arrays import object_ids_in
from vosctl.errors import MaskError
from vosctl.files import atomic_path, json_text
from vosctl.masks.brush_code import code_of_mask, mask_of_code
from vosctl.masks.documents import Item, is_json_of, load_json, stem_of
from vosctl.masks.instances import Instance, InstanceIds
from vosctl.masks.notes import Note
from vosctl.masks.overlaps import compose
from vosctl.masks.shapes import FILLED, Mask, fill_parts, polygon
from vosctl.masks.spec import Format, Reader
from vosctl.masks.stems import safe_stems
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.frame_folder import list_images
from vosctl.media.limits import check_size

_KINDS = {"brushlabels": "rle", "polygonlabels": "points"}
_FROM, _TO = "label", "image"  # names of the tags in the labelling configuration


class LabelStudioWriter(ExportWriter):
    """Writes tasks to import: `data.image`, and an annotation with a brush region for each object.

    A region's id, `object-N`, tells which object it is of.
    """

    def __init__(self, path: Path, source: ClipInfo) -> None:
        super().__init__()
        self._path = path
        self._suffix = list_images(source.path)[0].suffix if source.is_folder else ".jpg"
        self._tasks: list[Item] = []

    def _add(self, frame: LabelledFrame) -> None:
        height, width = frame.labels.shape
        results: list[Item] = [
            {
                "id": f"object-{object_id}",
                "type": "brushlabels",
                "from_name": _FROM,
                "to_name": _TO,
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "value": {
                    "format": "rle",
                    "rle": code_of_mask(frame.labels == object_id),
                    "brushlabels": [frame.name(object_id)],
                },
            }
            for object_id in object_ids_in(frame.labels)
        ]
        data = {"image": f"{frame.stem}{self._suffix}", "width": width, "height": height}
        self._tasks.append({"data": data, "annotations": [{"result": results}]})

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if not keep:
            return
        with atomic_path(self._path) as temporary:
            temporary.write_text(json_text(self._tasks) + "\n", encoding="utf-8")


def read_label_studio(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps, tasks in the file's order; the last annotation of each that was not cancelled.

    Raises:
        MaskError: the file is damaged, or no region tells the picture's size.
    """
    tasks = load_json(path)
    if not isinstance(tasks, list) or not tasks or not all(isinstance(task, dict) for task in tasks):
        raise MaskError(f"{path} holds no list of tasks; expected the JSON export of Label Studio")
    found = [_results_of(task, path) for task in tasks]
    stems = safe_stems([_stem_of(task) for task in tasks])
    size = next(
        (size for task, results in zip(tasks, found, strict=True) if (size := _size(task, results))), None
    )
    if size is None:
        raise MaskError(
            f"{path} holds no region that tells the size of its picture; export it with its labels"
        )
    ids = InstanceIds(path)
    for task, stem, results in zip(tasks, stems, found, strict=True):
        width, height = check_size(f"{path}, task {stem}", *(_size(task, results) or size))
        regions = [one for one in results if _kind_of(one)]
        if len(regions) < len(results):
            note("regions other than brushes and polygons are passed over: they are no masks")
        numbers = ids.of_frame([_instance(one) for one in regions])
        masks = (  # one at a time: each may be as large as the frame
            (number, _mask_of(one, f"{path}, task {stem}, region {one.get('id')}", height, width, note))
            for number, one in zip(numbers, regions, strict=True)
        )
        yield LabelledFrame(compose(height, width, masks, note), stem, names=dict(ids.names))


def _results_of(task: Item, path: Path) -> list[Item]:
    annotations = task.get("annotations", task.get("completions", []))
    if not isinstance(annotations, list) or not all(isinstance(one, dict) for one in annotations):
        raise MaskError(
            f"{path} has a task without a list of annotations; expected Label Studio's JSON export"
        )
    kept = [one for one in annotations if not one.get("was_cancelled")]
    results = kept[-1].get("result") if kept else []
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise MaskError(f"{path} has an annotation without a list of results; export it again")
    return [one for one in results if isinstance(one.get("value"), dict)]


def _stem_of(task: Item) -> str:
    """The image's name, without what Label Studio puts before those that are uploaded."""
    data = task.get("data")
    name = task.get("file_upload")
    if isinstance(data, dict) and not name:
        name = next((one for key, one in data.items() if key in ("image", "img", "frame", "ocr")), None)
        name = name or next((one for one in data.values() if isinstance(one, str)), None)
    return re.sub("^[0-9a-f]{8}-", "", stem_of(name))


def _size(task: Item, results: list[Item]) -> tuple[Any, Any] | None:
    """(width, height) as the file says, unchecked."""
    for one in results:
        if "original_width" in one and "original_height" in one:
            return one["original_width"], one["original_height"]
    data = task.get("data")
    if isinstance(data, dict) and "width" in data and "height" in data:
        return data["width"], data["height"]
    return None


def _kind_of(result: Item) -> str | None:
    return next(
        (kind for kind, key in _KINDS.items() if kind in result["value"] and key in result["value"]), None
    )


def _instance(result: Item) -> Instance:
    labels = result["value"].get(_kind_of(result))
    label = str(labels[0]) if isinstance(labels, list) and labels else ""
    match = re.fullmatch("object-([0-9]{1,3})", str(result.get("id")))
    return label, int(match[1]) if match else None


def _mask_of(result: Item, where: str, height: int, width: int, note: Note) -> Mask:
    value = result["value"]
    if "rle" in value:
        try:
            return mask_of_code(value["rle"], height, width)
        except ValueError as error:
            raise MaskError(f"{where} is damaged: {error}; export it again") from error
    note(FILLED)
    corners = polygon(value["points"], where)
    return fill_parts([corners * (width / 100, height / 100)], height, width)


FORMATS = (
    Format(
        "label-studio",
        "Label Studio JSON, brushes",
        LabelStudioWriter,
        (".json",),
        is_exact=True,
        reader=Reader(
            "Label Studio JSON",
            lambda path: is_json_of(path, "label-studio"),
            read_label_studio,
            is_document=True,
        ),
    ),
)
