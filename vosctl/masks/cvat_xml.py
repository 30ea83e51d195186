"""What CVAT's XML holds: shapes by frame, of tracks or of images.

https://docs.cvat.ai/docs/other/xml_format/: a `track` has a `label` and, for each frame, a `polygon` with
`points` "x,y;x,y;..." or a `mask` with `rle`, the lengths of runs of background and object in turn, row by
row, within the box `left`, `top`, `width`, `height`. `keyframe` tells what a person has drawn.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vosctl.errors import MaskError
from vosctl.masks.documents import stem_of
from vosctl.masks.instances import Instance
from vosctl.masks.rle import mask_of_counts
from vosctl.masks.shapes import Mask, fill_parts, polygon
from vosctl.media.limits import check_size

_MOST_FRAMES = 1 << 20  # ten hours; each is listed, also where nothing was drawn


@dataclass(frozen=True)
class Shape:
    """A polygon or a mask of one frame."""

    instance: Instance
    element: ET.Element
    is_drawn: bool
    """A person has drawn it; CVAT has put the others in between."""


@dataclass
class Annotations:
    """What a file holds.

    Attributes:
        sizes: (width, height) by frame.
        stems: names by frame; of a video's frames these are numbers.
        shapes: by frame, in the file's order.
        passed_over: whether there are shapes that have no area.
    """

    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    stems: dict[int, str] = field(default_factory=dict)
    shapes: dict[int, list[Shape]] = field(default_factory=dict)
    passed_over: bool = False


class _Builder(ET.TreeBuilder):
    """Refuses document types, in any encoding: they could name other files, and grow without end."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def doctype(self, *_: object) -> None:
        raise MaskError(f"{self._path} has a document type, which CVAT does not write; export it again")


def parse(path: Path, content: bytes | None = None) -> Annotations:
    """Reads a file.

    Args:
        path: of the file.
        content: what it holds, where that has been read.

    Raises:
        MaskError: it is damaged, or none of CVAT's.
    """
    try:
        data = path.read_bytes() if content is None else content
        root = ET.fromstring(data, ET.XMLParser(target=_Builder(path)))
    except OSError as error:
        raise MaskError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    except (ET.ParseError, LookupError, ValueError) as error:  # the last two of an unknown encoding
        raise MaskError(f"{path} is not XML: {error}; expected CVAT's export") from error
    if root.tag != "annotations":
        raise MaskError(f"{path} is XML of {root.tag[:40]}; expected annotations of CVAT")
    found = Annotations()
    images = root.findall("image")
    for number, image in enumerate(images):
        _add_image(found, image, number, path)
    if not images:
        _add_tracks(found, root, path)
    return found


def _add_image(found: Annotations, image: ET.Element, number: int, path: Path) -> None:
    stem = stem_of(image.get("name"))
    where = f"{path}, image {stem or number}"
    found.stems[number] = stem
    found.sizes[number] = _size(image, where)
    for element in image:
        if element.tag in ("polygon", "mask"):
            group = element.get("group_id")
            instance = int(group) if group and group.isdecimal() and len(group) < 9 else None
            label = element.get("label", "")
            found.shapes.setdefault(number, []).append(Shape((label, instance), element, True))
        else:
            found.passed_over = True


def _add_tracks(found: Annotations, root: ET.Element, path: Path) -> None:
    tracks = root.findall("track")
    original = next(root.iter("original_size"), None)
    if original is None:
        raise MaskError(f"{path} does not tell the size of its video; export it as CVAT for video 1.1")
    size = (_number(original.findtext("width"), path), _number(original.findtext("height"), path))
    width, height = check_size(path, *size)
    step, start = 1, 0
    task = next((one for one in root.iter() if one.tag in ("task", "job")), None)
    count = 0
    if task is not None:
        count = _number(task.findtext("size", "0"), path)
        start = _number(task.findtext("start_frame", "0"), path)
        step = _number((task.findtext("frame_filter") or "").partition("step=")[2] or "1", path) or 1
    for position, track in enumerate(tracks):
        own = track.get("id", "")
        number = int(own) if own.isdecimal() and len(own) < 9 else position
        instance: Instance = (track.get("label", ""), number + 1)  # CVAT counts tracks from 0
        for element in track:
            if element.tag not in ("polygon", "mask"):
                found.passed_over = found.passed_over or element.tag != "attribute"
                continue
            frame = _number(element.get("frame"), path)
            count = max(count, frame + 1)
            if element.get("outside") != "1":
                shape = Shape(instance, element, element.get("keyframe", "1") == "1")
                found.shapes.setdefault(start + frame * step, []).append(shape)
    for frame in range(count):
        found.sizes[start + frame * step] = (width, height)
        found.stems[start + frame * step] = f"{start + frame * step:05d}"


def mask_of(shape: Shape, where: str, height: int, width: int) -> Mask:
    """The mask (H, W) of a shape.

    Raises:
        MaskError: it is damaged.
    """
    element = shape.element
    try:
        if element.tag == "polygon":
            corners = [point.split(",") for point in element.get("points", "").split(";") if point]
            return fill_parts([polygon([[float(x), float(y)] for x, y in corners], where)], height, width)
        left, top, wide, high = (
            int(float(element.get(key, ""))) for key in ("left", "top", "width", "height")
        )
        check_size(where, wide, high)
        counts = np.array([int(part) for part in element.get("rle", "").split(",")], np.int64)
        # The runs go row by row, as if the picture had been turned.
        part = mask_of_counts(counts, wide, high).T
    except (ValueError, OverflowError) as error:
        raise MaskError(f"{where} is damaged: {error}; export it again") from error
    if left < 0 or top < 0 or left + wide > width or top + high > height:
        raise MaskError(f"{where} reaches beyond the picture, {width}x{height}; export it again")
    mask = np.zeros((height, width), bool)
    mask[top : top + high, left : left + wide] = part
    return mask


def code_of(mask: Mask) -> dict[str, str]:
    """The attributes of a `mask` element for a mask (H, W) that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    flat = part.ravel()
    bounds = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1, [flat.size]])
    runs = np.diff(bounds).tolist()
    counts = [0, *runs] if flat[0] else runs
    return {
        "rle": ", ".join(map(str, counts)),
        "left": str(columns[0]),
        "top": str(rows[0]),
        "width": str(part.shape[1]),
        "height": str(part.shape[0]),
    }


def frames_of(found: Annotations) -> Iterator[int]:
    """The frames in order."""
    return iter(sorted(found.sizes))


def _size(element: ET.Element, where: str) -> tuple[int, int]:
    return check_size(where, _number(element.get("width"), where), _number(element.get("height"), where))


def _number(text: str | None, where: object) -> int:
    try:
        number = int(float(text or ""))
    except (ValueError, OverflowError):
        number = -1
    if not 0 <= number < _MOST_FRAMES:
        raise MaskError(f"{where} has {str(text)[:20]} where a number is expected; export it again")
    return number
