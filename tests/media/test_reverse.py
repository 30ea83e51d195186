from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.small import moving_discs
from vosctl.media.clip import Clip, ClipInfo, open_clip
from vosctl.media.reverse import reversed_frames
from vosctl.media.video_writer import VideoWriter


@pytest.fixture(params=["video", "folder"])
def clip(request: pytest.FixtureRequest, tmp_path: Path) -> Clip:
    frames, _ = moving_discs(11)
    if request.param == "folder":
        for index, frame in enumerate(frames):
            Image.fromarray(frame).save(tmp_path / f"{index}.png")
        return open_clip(tmp_path)
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, ClipInfo(path, 160, 96, 11, None, has_audio=False, is_folder=False)) as video:
        for frame in frames:
            video.write(frame)
    return open_clip(path)


def test_frames_from_any_on_are_the_same_as_all(clip: Clip) -> None:
    whole = list(clip)
    for start in (0, 4, 10, 11, 20):
        rest = list(clip.frames_from(start))
        assert [frame.index for frame in rest] == list(range(start, 11))
        for found, wanted in zip(rest, whole[start:], strict=True):
            assert (found.stem, found.time) == (wanted.stem, wanted.time)
            assert np.array_equal(found.rgb, wanted.rgb)


@pytest.mark.parametrize("held", [1, 3, 100])
def test_back_to_front_in_parts_of_any_size(clip: Clip, held: int) -> None:
    whole = list(clip)
    size = 160 * 96 * 3
    for last, first in ((10, 0), (7, 2), (0, 0)):
        found = list(reversed_frames(clip, last, first, memory=held * size))
        assert [frame.index for frame in found] == list(range(last, first - 1, -1))
        for frame in found:
            assert np.array_equal(frame.rgb, whole[frame.index].rgb)


def test_a_clip_that_ends_earlier_begins_with_its_last_frame(clip: Clip) -> None:
    assert next(reversed_frames(clip, 14)).index == 10
