"""Boxes around objects, as people write them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from vosctl.arrays import MAX_ID
from vosctl.errors import UsageError

_NUMBER = r"\s*([+-]?[0-9]{1,6})\s*"


class Box(NamedTuple):
    """A box in pixels of the frame; right and bottom are the first column and row outside."""

    left: int
    top: int
    right: int
    bottom: int


def parse_box(text: str, width: int, height: int) -> Box:
    """Returns the box that `x,y,w,h` names: its left upper corner and its size, in pixels.

    Raises:
        UsageError: that is no box, or it is empty or not inside a frame of width x height.
    """
    match = re.fullmatch(",".join([_NUMBER] * 4), text)
    if not match:
        raise UsageError(f"box {text}: expected x,y,w,h in whole pixels, such as 120,40,200,160")
    x, y, w, h = map(int, match.groups())
    if w < 1 or h < 1:
        raise UsageError(f"box {text}: is {w} wide and {h} high; both must be at least 1")
    if x < 0 or y < 0 or x + w > width or y + h > height:
        raise UsageError(
            f"box {text}: ends at {x + w},{y + h}; it must lie inside the frame, which is {width}x{height}"
        )
    return Box(x, y, x + w, y + h)


def parse_boxes(texts: Sequence[str], width: int, height: int, taken: Sequence[int] = ()) -> dict[int, Box]:
    """Returns the boxes of `[ID=]x,y,w,h` by object id; those without an id get the next free one.

    Args:
        texts: as given.
        width: of the frame.
        height: of the frame.
        taken: ids that others have.

    Raises:
        UsageError: one is no box, does not fit the frame, or has an id that is wrong or taken.
    """
    boxes: dict[int, Box] = {}
    without: list[Box] = []
    for text in texts:
        name, equals, place = text.rpartition("=")
        box = parse_box(place, width, height)
        if equals:
            boxes[_parse_id(text, name, (*boxes, *taken))] = box
        else:
            without.append(box)
    free = (i for i in range(1, MAX_ID + 1) if i not in boxes and i not in taken)
    for box in without:
        object_id = next(free, None)
        if object_id is None:
            raise UsageError(f"more than {MAX_ID} objects; ids go from 1 to {MAX_ID}")
        boxes[object_id] = box
    return dict(sorted(boxes.items()))


def _parse_id(text: str, name: str, taken: Sequence[int]) -> int:
    """Returns the object id that stands before a box's equals sign."""
    if not re.fullmatch("[0-9]{1,3}", name) or not 1 <= int(name) <= MAX_ID:
        raise UsageError(f"box {text}: {name} is no object id; ids go from 1 to {MAX_ID}")
    if int(name) in taken:
        raise UsageError(f"box {text}: there is an object {int(name)} already; choose another id")
    return int(name)
