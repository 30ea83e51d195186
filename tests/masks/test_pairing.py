from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vosctl.errors import MaskError
from vosctl.masks.pairing import with_pictures
from vosctl.masks.writer import LabelledFrame
from vosctl.media.clip import Frame

HERE = Path("masks")


def frames(*stems: str) -> list[Frame]:
    return [
        Frame(index, np.full((4, 6, 3), index, np.uint8), Fraction(index, 25), stem)
        for index, stem in enumerate(stems)
    ]


def masks(*stems: str, size: tuple[int, int] = (4, 6)) -> list[LabelledFrame]:
    return [LabelledFrame(np.full(size, index + 1, np.uint8), stem) for index, stem in enumerate(stems)]


@pytest.mark.parametrize("stems", [("a", "b", "c"), ("00001", "00002", "00003")])
def test_by_name_or_else_by_order(stems: tuple[str, ...]) -> None:
    pairs = list(with_pictures(frames("a", "b", "c"), masks(*stems), HERE))
    assert [pair.stem for pair in pairs] == ["a", "b", "c"]
    assert [pair.time for pair in pairs] == [0, Fraction(1, 25), Fraction(2, 25)]
    assert [pair.labels[0, 0] for pair in pairs] == [1, 2, 3]
    assert [pair.rgb[0, 0, 0] for pair in pairs if pair.rgb is not None] == [0, 1, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (masks("a", "b"), "masks holds 2 masks, none for frame 2"),
        (masks("a", "b", "c", "d"), "more masks than the clip's 3 frames"),
        (masks("a", "c", "d"), "holds mask c where frame b is expected"),
        (masks("a", size=(4, 5)), "mask a is 5x4, but the clip is 6x4"),
    ],
)
def test_what_does_not_fit(given: list[LabelledFrame], message: str) -> None:
    with pytest.raises(MaskError, match=message):
        list(with_pictures(frames("a", "b", "c"), given, HERE))
