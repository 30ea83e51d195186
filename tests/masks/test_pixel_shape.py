from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vosctl.masks.formats import FORMATS
from vosctl.masks.writer import LabelledFrame
from vosctl.media.clip import open_clip
from vosctl.media.frame import ClipInfo

VIDEOS = [
    (form.name, suffix)
    for form in FORMATS.values()
    for suffix in form.suffixes
    if suffix in (".mkv", ".mov", ".mp4")
]


@pytest.mark.parametrize(("name", "suffix"), VIDEOS)
@pytest.mark.parametrize("aspect", [None, Fraction(4, 3)])
def test_a_video_keeps_the_shape_of_pixels_or_says_that_it_does_not(
    name: str, suffix: str, aspect: Fraction | None, tmp_path: Path
) -> None:
    path = tmp_path / f"masks{suffix}"
    info = ClipInfo(
        tmp_path, 48, 32, None, Fraction(25), has_audio=False, is_folder=False, pixel_aspect=aspect
    )
    labels = np.zeros((32, 48), np.uint8)
    labels[8:20, 8:30] = 1
    with FORMATS[name].open(path, info) as writer:
        for number in range(3):
            writer.write(
                LabelledFrame(labels, f"{number:05d}", Fraction(number, 25), np.zeros((32, 48, 3), np.uint8))
            )
    if aspect is None:
        assert writer.note is None
    elif open_clip(path).info.pixel_aspect != aspect:
        assert writer.note is not None
        assert "4:3" in writer.note
