"""Format `cvat`: CVAT for video 1.1, one XML with a track for each object."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from vosctl.arrays import object_ids_in
from vosctl.errors import UsageError
from vosctl.files import atomic_path
from vosctl.masks import cvat_xml
from vosctl.masks.instances import InstanceIds
from vosctl.masks.notes import Note
from vosctl.masks.overlaps import compose
from vosctl.masks.polygons import polygon_of
from vosctl.masks.shapes import FILLED, Mask
from vosctl.masks.spec import Format, Reader, has_suffix
from vosctl.masks.stems import safe_stems
from vosctl.masks.writer import ExportWriter, LabelledFrame, default_name
from vosctl.media.frame import ClipInfo

_COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#46f0f0", "#f032e6", "#bcf60c")


class CvatVideoWriter(ExportWriter):
    """Writes a track for each object, whose number is its id less 1, with a key frame for every frame.

    A polygon has no holes and few corners, and an object in several parts is one, as in `yolo`.
    """

    def __init__(self, path: Path, source: ClipInfo, is_exact: bool = False) -> None:
        super().__init__()
        self._path, self._is_exact = path, is_exact
        self._name, self._numbering = source.path.stem, source.numbering
        self._count = 0
        self._shapes: dict[int, list[ET.Element]] = {}
        self._last: dict[int, int] = {}  # frame of each object's last shape
        self._names: dict[int, str] = {}

    def _add(self, frame: LabelledFrame) -> None:
        self._names.update(frame.names)
        for object_id in object_ids_in(frame.labels):
            self._shapes.setdefault(object_id, []).append(self._shape(frame.labels == object_id))
            self._last[object_id] = self._count
        # CVAT goes on with a shape until another, or its end, comes.
        for object_id, last in self._last.items():
            if last == self._count - 1:
                gone = _copy(self._shapes[object_id][-1], self._count)
                self._shapes[object_id].append(gone)
        self._count += 1

    def _shape(self, mask: Mask) -> ET.Element:
        common = {"frame": str(self._count), "keyframe": "1", "outside": "0", "occluded": "0", "z_order": "0"}
        if self._is_exact:
            return ET.Element("mask", {**common, **cvat_xml.code_of(mask)})
        corners = polygon_of(mask)
        assert corners is not None
        points = ";".join(f"{x:.2f},{y:.2f}" for x, y in corners.tolist())
        return ET.Element("polygon", {**common, "points": points})

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if not keep or self._size is None:
            return
        names = {
            object_id: self._names.get(object_id, default_name(object_id))
            for object_id in sorted(self._shapes)
        }
        root = ET.Element("annotations")
        ET.SubElement(root, "version").text = "1.1"
        task = ET.SubElement(ET.SubElement(root, "meta"), "task")
        values = {"name": self._name, "size": self._count, "mode": "interpolation"}
        first, every = self._numbering.number(0), self._numbering.every
        values |= {"start_frame": first, "stop_frame": self._numbering.number(self._count - 1)}
        values["frame_filter"] = f"step={every}" if every > 1 else ""
        for key, value in values.items():
            ET.SubElement(task, key).text = str(value)
        labels = ET.SubElement(task, "labels")
        for number, name in enumerate(dict.fromkeys(names.values())):
            label = ET.SubElement(labels, "label")
            ET.SubElement(label, "name").text = name
            ET.SubElement(label, "color").text = _COLOURS[number % len(_COLOURS)]
            ET.SubElement(label, "type").text = "any"
            ET.SubElement(label, "attributes")
        original = ET.SubElement(task, "original_size")
        ET.SubElement(original, "width").text = str(self._size[1])
        ET.SubElement(original, "height").text = str(self._size[0])
        for object_id, name in names.items():
            attributes = {"id": str(object_id - 1), "label": name, "source": "semi-auto"}
            ET.SubElement(root, "track", attributes).extend(self._shapes[object_id])
        ET.indent(root)
        with atomic_path(self._path) as temporary:
            temporary.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _copy(element: ET.Element, frame: int) -> ET.Element:
    """The shape as it was, marked as outside from a frame on."""
    return ET.Element(element.tag, {**element.attrib, "frame": str(frame), "outside": "1"})


def read_cvat(
    path: Path, note: Note, drawn_only: bool = False, content: bytes | None = None
) -> Iterator[LabelledFrame]:
    """Yields the label maps of CVAT's XML, for video or for images; a track is an object.

    Args:
        path: of the file.
        note: is told what people should know.
        drawn_only: leave out what CVAT has put between two key frames.
        content: of the file, where that has been read.

    Raises:
        MaskError: the file is damaged.
    """
    found = cvat_xml.parse(path, content)
    if found.passed_over:
        note("boxes, lines, points and tags are passed over: they are no masks")
    frames = list(cvat_xml.frames_of(found))
    stems = safe_stems([found.stems[frame] for frame in frames])
    ids = InstanceIds(path)
    # Ids go by the order of tracks, whichever of them comes first in the video.
    ids.of_frame(
        sorted(
            {shape.instance for shapes in found.shapes.values() for shape in shapes if shape.instance[1]},
            key=lambda one: (one[1], one[0]),
        )
    )
    for frame, stem in zip(frames, stems, strict=True):
        width, height = found.sizes[frame]
        shapes = found.shapes.get(frame, [])
        numbers = ids.of_frame([shape.instance for shape in shapes])
        if any(shape.element.tag == "polygon" for shape in shapes):
            note(FILLED)
        masks = (  # one at a time: each may be as large as the frame
            (number, cvat_xml.mask_of(shape, f"{path}, frame {stem}, {shape.instance[0]}", height, width))
            for number, shape in zip(numbers, shapes, strict=True)
            if shape.is_drawn or not drawn_only
        )
        yield LabelledFrame(compose(height, width, masks, note), stem, names=dict(ids.names))


def _variant(value: str) -> Format:
    if value != "exact":
        raise UsageError(f"cvat:{value[:20]} is not known; use cvat (polygons) or cvat:exact (masks)")
    return Format(
        "cvat",
        "CVAT for video XML, exact masks",
        partial(CvatVideoWriter, is_exact=True),
        (".xml",),
        is_exact=True,
    )


FORMATS = (
    Format(
        "cvat",
        "CVAT for video XML, polygons",
        CvatVideoWriter,
        (".xml",),
        reader=Reader(
            "CVAT XML",
            has_suffix(".xml"),
            read_cvat,
            read_given=partial(read_cvat, drawn_only=True),
            counts_frames=True,
            is_document=True,
        ),
        variant=_variant,
    ),
)
