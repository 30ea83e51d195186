"""Tests of `alpha_video` and `cutout_video`.

Tests masks/alpha_video.py and masks/cutout_video.py too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace

from tests.masks.small import export, info_of, picture_of
from vosctl.masks.formats import FORMATS, find_format
from vosctl.masks.writer import LabelledFrame
from vosctl.media.clip import open_clip

TIMES = [Fraction(0), Fraction(1, 10), Fraction(1, 2), Fraction(3, 2)]


def label_maps(size: tuple[int, int] = (37, 51)) -> list[np.ndarray]:
    maps = []
    for index in range(4):
        labels = np.zeros(size, np.uint8)
        labels[5:25, 4 + index : 24 + index] = 3
        labels[20:30, 30:45] = 7
        maps.append(labels)
    return maps


@contextmanager
def decoded(path: Path) -> Iterator[list[av.VideoFrame]]:
    with av.open(str(path)) as container:
        yield list(container.decode(video=0))


def write(name: str, path: Path) -> None:
    with find_format(name).open(path, info_of(label_maps())) as writer:
        for index, (labels, time) in enumerate(zip(label_maps(), TIMES, strict=True)):
            writer.write(LabelledFrame(labels, f"{index:05d}", time, picture_of(labels)))


def test_ffv1_is_exact_and_holds_nothing_of_the_background(tmp_path: Path) -> None:
    write("alpha-ffv1", tmp_path / "a.mkv")
    with decoded(tmp_path / "a.mkv") as frames:
        assert [frame.pts * frame.time_base for frame in frames] == TIMES
        for frame, labels in zip(frames, label_maps(), strict=True):
            assert frame.format.name == "bgra"
            rgba = frame.to_ndarray(format="rgba")
            inside = labels > 0
            np.testing.assert_array_equal(rgba[..., 3], inside * 255)
            np.testing.assert_array_equal(rgba[inside][:, :3], picture_of(labels)[inside])
            assert not rgba[~inside].any()


def test_prores_has_alpha_colours_and_times(tmp_path: Path) -> None:
    write("alpha-prores", tmp_path / "a.mov")
    with av.open(str(tmp_path / "a.mov")) as container:
        assert container.streams.video[0].codec_context.name == "prores"
        assert container.streams.video[0].codec_context.codec_tag == "ap4h"  # ProRes 4444
    with decoded(tmp_path / "a.mov") as frames:
        times = [frame.pts * frame.time_base for frame in frames]
        assert [float(time) for time in times] == pytest.approx([float(time) for time in TIMES], abs=1e-3)
        for frame, labels in zip(frames, label_maps(), strict=True):
            assert frame.format.name.startswith("yuva444p")
            rgba = frame.reformat(format="rgba", src_colorspace=Colorspace.ITU709).to_ndarray()
            np.testing.assert_array_equal(rgba[..., 3], (labels > 0) * 255)  # alpha is not compressed lossily
            assert np.abs(rgba[..., :3].astype(int) - picture_of(labels)).mean() < 2


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 5)])
@pytest.mark.parametrize("name", ["alpha-prores", "alpha-ffv1", "cutout"])
def test_odd_and_tiny_sizes(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / f"a{FORMATS[name].suffixes[0]}"
    export(FORMATS[name], path, [np.ones(size, np.uint8)] * 2)
    with decoded(path) as frames:
        assert len(frames) == 2
        height, width = size if name != "cutout" else (size[0] + size[0] % 2, size[1] + size[1] % 2)
        assert (frames[0].height, frames[0].width) == (height, width)


def test_cutout_is_on_green_or_another_colour(tmp_path: Path) -> None:
    for name, colour in (("cutout", (0, 255, 0)), ("cutout:3040f0", (0x30, 0x40, 0xF0))):
        path = tmp_path / f"{name[-6:]}.mp4"
        write(name, path)
        with open_clip(path) as clip:
            frames = list(clip)
        assert [frame.time for frame in frames] == TIMES
        for frame, labels in zip(frames, label_maps(), strict=True):
            rgb = frame.rgb[:37, :51].astype(int)
            assert np.abs(rgb[32:, :] - colour).max() < 20
            inner = np.s_[10:20, 10:20]
            assert np.abs(rgb[inner] - picture_of(labels)[inner]).mean() < 8


@pytest.mark.parametrize("name", ["alpha-prores", "alpha-ffv1", "cutout"])
def test_the_sound_goes_along(name: str, make_video, tmp_path: Path) -> None:
    pictures = [picture_of(labels) for labels in label_maps((48, 64))] * 5
    source = make_video("clip.mp4", pictures, sound=Fraction(4, 5))
    path = tmp_path / f"out{FORMATS[name].suffixes[0]}"

    def copy(stop_after: int) -> None:
        with open_clip(source) as clip, FORMATS[name].open(path, clip.info) as writer:
            for frame in clip:
                labels = np.ones(frame.rgb.shape[:2], np.uint8)
                writer.write(LabelledFrame(labels, frame.stem, frame.time, frame.rgb))
                if frame.index + 1 == stop_after:
                    raise KeyboardInterrupt
        assert writer.note is None

    def seconds_of_sound() -> float:
        with av.open(str(path)) as container:
            return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))

    copy(stop_after=0)
    assert seconds_of_sound() == pytest.approx(0.8, abs=0.06)
    with decoded(path) as frames:
        assert len(frames) == 20
    with pytest.raises(KeyboardInterrupt):
        copy(stop_after=5)  # 0.2 s
    assert seconds_of_sound() < 0.4
    with decoded(path) as frames:
        assert len(frames) == 5
