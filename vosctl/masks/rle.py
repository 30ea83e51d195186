"""COCO's run-length code of a binary mask: runs down the columns, as text.

The counts are the lengths of runs of background and object in turn, background first (it may be 0), over the
pixels in column-major order. In text, each count from the fourth on is written as its difference to the count
two before; a number is cut into groups of 5 bits, the lowest first, each a character from "0" (48) on, whose
sixth bit says that more follow; the fifth bit of the last group is the sign.
"""

import numpy as np
from numpy.typing import NDArray

_FIRST_CHARACTER = 48
_MORE = 0x20
_SIGN = 0x10
_MAX_GROUPS = 12  # 60 bits


def counts_by_object(labels: NDArray[np.uint8]) -> dict[int, NDArray[np.int64]]:
    """Returns the counts of each object in a label map (H, W), by id, ascending."""
    flat = labels.ravel(order="F")
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ends = np.append(starts[1:], flat.size)
    values = flat[starts]
    counts = {}
    for object_id in np.unique(values):
        if object_id:
            is_run = values == object_id
            counts[int(object_id)] = _counts_of_runs(starts[is_run], ends[is_run], flat.size)
    return counts


def _counts_of_runs(starts: NDArray[np.int64], ends: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    bounds = np.stack([starts, ends], axis=1).ravel()
    counts = np.diff(bounds, prepend=0)
    rest = total - bounds[-1]
    return np.append(counts, rest) if rest else counts


def mask_of_counts(counts: NDArray[np.int64], height: int, width: int) -> NDArray[np.bool_]:
    """Returns the mask (H, W) that counts describe.

    Raises:
        ValueError: a count is negative, or they do not add up to the size.
    """
    if (counts < 0).any() or (counts > height * width).any() or counts.sum() != height * width:
        raise ValueError(f"the run lengths do not add up to {width}x{height}")
    is_object = np.arange(len(counts)) % 2 == 1
    return np.repeat(is_object, counts).reshape(width, height).T


def counts_to_text(counts: NDArray[np.int64]) -> str:
    """Writes counts as COCO's text."""
    differences = counts.copy()
    differences[3:] -= counts[1:-2]
    characters = bytearray()
    for number in differences.tolist():
        while True:
            group = number & 0x1F
            number >>= 5
            if number == (-1 if group & _SIGN else 0):
                characters.append(group + _FIRST_CHARACTER)
                break
            characters.append((group | _MORE) + _FIRST_CHARACTER)
    return characters.decode("ascii")


def text_to_counts(text: str) -> NDArray[np.int64]:
    """Reads the counts from COCO's text.

    Raises:
        ValueError: it is not such a text.
    """
    counts: list[int] = []
    number = groups = 0
    for character in text:
        group = ord(character) - _FIRST_CHARACTER
        if not 0 <= group < 2 * _MORE or groups == _MAX_GROUPS:
            raise ValueError("the text of a mask is not COCO's run-length code")
        number |= (group & 0x1F) << 5 * groups
        groups += 1
        if group & _MORE:
            continue
        if group & _SIGN:
            number -= 1 << 5 * groups
        counts.append(number + (counts[-2] if len(counts) > 2 else 0))
        number = groups = 0
    if groups:
        raise ValueError("the text of a mask breaks off")
    if any(not 0 <= count < 1 << 60 for count in counts):
        raise ValueError("a run length is out of range")
    return np.array(counts, np.int64)
