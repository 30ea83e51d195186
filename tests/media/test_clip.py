"""Tests media/frame.py too, beside what it is named after."""

from pathlib import Path

import pytest

from vosctl.errors import ClipError
from vosctl.media.clip import open_clip

from .conftest import MakeVideo
from .scenes import scene


def test_a_file_and_a_folder_are_told_apart(make_video: MakeVideo, tmp_path: Path) -> None:
    video = make_video("a.mp4", scene(2))
    with open_clip(video) as clip:
        assert not clip.info.is_folder
        assert clip.info.path == video
    (tmp_path / "empty").mkdir()
    with pytest.raises(ClipError, match="holds no image"):
        open_clip(tmp_path / "empty")


def test_each_iteration_starts_anew(make_video: MakeVideo) -> None:
    clip = open_clip(make_video("a.mp4", scene(3)))
    half = iter(clip)
    next(half)
    assert [frame.index for frame in clip] == [0, 1, 2]
    assert next(half).index == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.mp4", None, r"missing\.mp4 does not exist; give a video file or a folder of images"),
        ("empty.mp4", b"", r"empty\.mp4 is an empty file"),
        ("words.mp4", b"no video at all " * 300, r"words\.mp4 is not a video that FFmpeg can read"),
        ("words.txt", b"no video at all " * 300, r"words\.txt holds no video"),  # FFmpeg would draw the text
    ],
)
def test_what_is_not_a_clip(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ClipError, match=message) as caught:
        open_clip(path)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
