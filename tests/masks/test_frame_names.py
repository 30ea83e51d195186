from pathlib import Path

import pytest
from PIL import Image

from vosctl.errors import MaskError
from vosctl.masks.frame_names import FrameNames


def folder_of(path: Path, *names: str) -> FrameNames:
    path.mkdir()
    for name in names:
        Image.new("RGB", (2, 2)).save(path / name)
    return FrameNames(path)


def test_a_mask_that_is_named_as_a_frame_is_of_that_frame(tmp_path: Path) -> None:
    names = folder_of(tmp_path / "ball", *(f"{number:05d}.jpg" for number in range(0, 60, 5)))
    assert names.index_of("00000", "m") == 0
    assert names.index_of("00010", "m") == 2
    assert names.index_of("10", "m") == 2  # --mask 10=FILE
    assert names.index_of("frame_000055", "m") == 11
    with pytest.raises(MaskError, match=r"^m: there is no frame 00007 of .*ball; .* named 00000 to 00055"):
        names.index_of("00007", "m")


def test_names_with_a_shot_before_the_number(tmp_path: Path) -> None:
    names = folder_of(tmp_path / "shot", "shot.1001.png", "shot.1002.png", "shot.1003.png")
    assert names.index_of("shot.1002", "m") == 1
    assert names.index_of("1003", "m") == 2
    with pytest.raises(MaskError, match="there is no frame 0 of"):
        names.index_of("0", "m")


def test_what_is_not_clear_is_refused(tmp_path: Path) -> None:
    names = folder_of(tmp_path / "two", "left_01.png", "right_01.png")
    assert names.index_of("right_01", "m") == 1
    with pytest.raises(MaskError, match="2 frames end in 1 of"):
        names.index_of("1", "m")
    with pytest.raises(MaskError, match=r"top is no frame of .*named left_01 to right_01"):
        names.index_of("top", "m")


def test_frames_without_numbers_are_counted(tmp_path: Path) -> None:
    names = folder_of(tmp_path / "letters", "a.png", "b.png", "c.png")
    assert names.index_of("c", "m") == 2
    assert names.index_of("1", "m") == 1


@pytest.mark.parametrize(
    ("name", "index"), [("00000", 0), ("60", 60), ("frame_000012", 12), ("shot.1001", 1001)]
)
def test_a_video_has_no_names(tmp_path: Path, name: str, index: int) -> None:
    (tmp_path / "clip.mp4").touch()
    names = FrameNames(tmp_path / "clip.mp4")
    assert names.index_of(name, "m") == index


def test_what_is_no_number_at_all(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match=r"a\.png: expected a frame number.*; first is no frame"):
        FrameNames(tmp_path / "clip.mp4").index_of("first", "a.png")
    with pytest.raises(MaskError, match="is no frame"):
        FrameNames(tmp_path / "clip.mp4").index_of("1" * 5000, "a.png")
