from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import ClipError
from vosctl.media.clip import open_clip
from vosctl.media.frame import Numbering
from vosctl.media.ranged_clip import RangedClip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten frames, 1001 to 1010, each of a brightness of its own."""
    for index in range(10):
        picture = Image.fromarray(np.full((4, 6, 3), 20 * index, np.uint8))
        picture.save(tmp_path / f"shot.{1001 + index}.png")
    return tmp_path


def test_frames_keep_names_and_times_and_are_counted_anew(folder: Path) -> None:
    whole = open_clip(folder, rate=Fraction(24))
    part = RangedClip(whole, Numbering(3, 2), 8)
    frames = list(part)
    assert [frame.stem for frame in frames] == ["shot.1004", "shot.1006", "shot.1008"]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.time for frame in frames] == [Fraction(n, 24) for n in (3, 5, 7)]
    assert [int(frame.rgb[0, 0, 0]) for frame in frames] == [60, 100, 140]
    assert [frame.index for frame in part.frames_from(2)] == [2]
    assert part.info.frame_count_hint == 3
    assert part.info.rate == 12
    assert part.info.numbering.number(2) == 7
    assert part.info.start_time == Fraction(3, 24)


def test_a_first_number_names_all_frames(folder: Path) -> None:
    part = RangedClip(open_clip(folder), Numbering(0, 5, 86400))
    assert [frame.stem for frame in part] == ["86400", "86405"]


def test_a_start_beyond_the_end(folder: Path) -> None:
    with pytest.raises(ClipError, match="has no frame 12, which --start names"):
        RangedClip(open_clip(folder), Numbering(12))


def test_a_rate_is_of_folders(make_video: object, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    with pytest.raises(ClipError, match="has times of its own; --fps is for folders"):
        open_clip(tmp_path / "a.mp4", rate=Fraction(24))
