"""Format `youtube-vis`: one JSON in YouTube-VIS's layout, an annotation for each object of the whole clip.

https://youtube-vos.org/dataset/vis/: `videos` with `file_names`, and `annotations` with `segmentations`, one
run-length code a frame or null where the object is not there.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vosctl.errors import MaskError
from vosctl.files import atomic_path, json_text
from vosctl.masks.coco_categories import categories_of
from vosctl.masks.documents import Item, is_json_of, is_whole, items_in, load_json, stem_of
from vosctl.masks.instances import InstanceIds
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


class YoutubeVisWriter(ExportWriter):
    """Writes one video, its frames' names, and an annotation for each object, whose id is the object's."""

    def __init__(self, path: Path, source: ClipInfo) -> None:
        super().__init__()
        self._path = path
        self._suffix = list_images(source.path)[0].suffix if source.is_folder else ".jpg"
        self._name = source.path.stem
        self._files: list[str] = []
        self._codes: dict[int, dict[int, str]] = {}  # by object and frame
        self._areas: dict[int, dict[int, int]] = {}
        self._boxes: dict[int, dict[int, list[int]]] = {}
        self._names: dict[int, str] = {}

    def _add(self, frame: LabelledFrame) -> None:
        index = len(self._files)
        self._files.append(f"{self._name}/{frame.stem}{self._suffix}")
        self._names.update(frame.names)
        for object_id, counts in counts_by_object(frame.labels).items():
            mask = frame.labels == object_id
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            left, top = int(columns[0]), int(rows[0])
            box = [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
            self._codes.setdefault(object_id, {})[index] = counts_to_text(counts)
            self._areas.setdefault(object_id, {})[index] = int(counts[1::2].sum())
            self._boxes.setdefault(object_id, {})[index] = box

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if not keep or self._size is None:
            return
        height, width = self._size
        length = len(self._files)
        categories = categories_of(self._codes.keys(), self._names)
        of_object = {object_id: category.id for category in categories for object_id in category.objects}
        annotations: list[Item] = [
            {
                "id": object_id,
                "video_id": 1,
                "category_id": of_object[object_id],
                "iscrowd": 0,
                "height": height,
                "width": width,
                "length": length,
                "segmentations": [
                    {"size": [height, width], "counts": codes[n]} if n in codes else None
                    for n in range(length)
                ],
                "bboxes": [self._boxes[object_id].get(n) for n in range(length)],
                "areas": [self._areas[object_id].get(n) for n in range(length)],
            }
            for object_id, codes in sorted(self._codes.items())
        ]
        document = {
            "info": {"description": f"masks written by vosctl {__version__}"},
            "videos": [
                {"id": 1, "height": height, "width": width, "length": length, "file_names": self._files}
            ],
            "categories": [{"id": one.id, "name": one.name, "supercategory": "object"} for one in categories],
            "annotations": annotations,
        }
        with atomic_path(self._path) as temporary:
            temporary.write_text(json_text(document) + "\n", encoding="utf-8")


def read_youtube_vis(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of a file with one video; an annotation is an object, whose id it keeps.

    Raises:
        MaskError: the file is damaged, or holds several videos.
    """
    document = load_json(path)
    videos = items_in(document, "videos", path, "YouTube-VIS")
    if len(videos) != 1:
        raise MaskError(f"{path} holds {len(videos)} videos; expected the file of one: split it")
    video = videos[0]
    width, height = check_size(f"{path}, its video", video.get("width"), video.get("height"))
    files = video.get("file_names")
    if not isinstance(files, list) or not files:
        raise MaskError(f"{path} has no file_names of its video's frames; expected YouTube-VIS's layout")
    stems = safe_stems([stem_of(name) for name in files])
    annotations = [
        one
        for one in items_in(document, "annotations", path, "YouTube-VIS")
        if one.get("video_id", video.get("id")) == video.get("id")
    ]
    labels = _labels(document)
    ids = InstanceIds(path)
    numbers = ids.of_frame(
        [(labels.get(_whole(one, "category_id"), ""), _whole(one, "id")) for one in annotations]
    )
    for index, stem in enumerate(stems):
        shapes = []
        for number, annotation in sorted(zip(numbers, annotations, strict=True), key=lambda pair: pair[0]):
            codes = annotation.get("segmentations")
            code = codes[index] if isinstance(codes, list) and index < len(codes) else None
            if code is not None:
                shapes.append((number, code, f"{path}, annotation {annotation.get('id')}, frame {index}"))
        masks = (  # one at a time: each may be as large as the frame
            (number, _mask_of(code, where, height, width, note)) for number, code, where in shapes
        )
        yield LabelledFrame(compose(height, width, masks, note), stem, names=ids.names)


def _mask_of(code: Any, where: str, height: int, width: int, note: Note) -> Mask:
    if not isinstance(code, list):
        return mask_of_code(code, where, height, width)
    note(FILLED)
    return fill_parts([polygon(part, where) for part in code], height, width)


def _whole(item: Item, key: str) -> int | None:
    value = item.get(key)
    return value if is_whole(value) else None


def _labels(document: Any) -> dict[int | None, str]:
    """The categories' names by id."""
    listed = document.get("categories")
    found = (one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict))
    return {_whole(one, "id"): str(one.get("name", "")) for one in found}


FORMATS = (
    Format(
        "youtube-vis",
        "YouTube-VIS JSON, a track for each object",
        YoutubeVisWriter,
        (".json",),
        is_exact=True,
        reader=Reader(
            "YouTube-VIS JSON",
            lambda path: is_json_of(path, "youtube-vis"),
            read_youtube_vis,
            is_document=True,
        ),
    ),
)
