"""Refuses masks in which it cannot be told what the background is."""

from pathlib import Path

import numpy as np

from vosctl.arrays import VOID, Labels
from vosctl.errors import MaskError
from vosctl.masks.pixel_ids import Meaning, Understood

_MOST_NAMED = 6  # values in a message
_NEARLY_ALL = 0.9  # share of the picture's edge


def check_background(mask: Understood, path: Path) -> None:
    """Make sure that there is a background, and that it is not the object that was drawn.

    A label map in the DAVIS palette needs none: an object may fill the picture.

    Raises:
        MaskError: there is none, or the mask seems to be inverted.
    """
    if mask.meaning is Meaning.IDS:
        return
    numbers = [value for value in mask.values if value != VOID]
    has_void_for_it = VOID in mask.values and numbers == list(range(1, len(numbers) + 1))
    if mask.labels.all() or (mask.values and 0 not in mask.values and not has_void_for_it):
        raise MaskError(
            f"{path} ({mask.form}) has no background: {_found(mask)}; make the background 0 (black), "
            "or save the ids in the DAVIS palette if objects fill the picture; --invert exchanges object and "
            "background"
        )
    if mask.meaning is Meaning.MARKS and _looks_inverted(mask.labels):
        raise MaskError(
            f"{path} ({mask.form}) seems to be inverted: the objects cover most of the picture and nearly "
            "all of its edge; exchange the two with --invert, or make the objects bright and the background "
            "black, or save the ids in the DAVIS palette if it is meant so"
        )


def _found(mask: Understood) -> str:
    if not mask.values:
        return "every pixel is of an object"
    named = ", ".join(map(str, mask.values[:_MOST_NAMED]))
    more = ", ..." if len(mask.values) > _MOST_NAMED else ""
    return f"it holds the values {named}{more} and no 0"


def _looks_inverted(labels: Labels) -> bool:
    is_object = labels > 0
    edge = np.concatenate([is_object[0], is_object[-1], is_object[:, 0], is_object[:, -1]])
    return bool(is_object.mean() > 0.5 and edge.mean() >= _NEARLY_ALL)
