"""Of `frame_maker` and `tone_mapping`: colours by their definitions.

Tests media/tone_mapping.py too.
"""

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from tests.media.conftest import MakeVideo
from tests.media.scenes import flat_frame, scene
from vosctl.media.clip import open_clip
from vosctl.media.tone_mapping import ToneMapping

BT709 = (0.2126, 0.0722)
BT601 = (0.299, 0.114)


def exact_rgb(y: int, u: int, v: int, weights: tuple[float, float]) -> np.ndarray:
    """By the definition of the matrix, limited range."""
    kr, kb = weights
    luma, blue, red = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    return 255 * np.array([r, g, b])


@pytest.mark.parametrize(("tag", "weights"), [(1, BT709), (5, BT601)])
def test_colours_are_within_a_level_of_the_definition(
    make_video: MakeVideo, tag: int, weights: tuple[float, float]
) -> None:
    colours = [(81, 110, 150), (128, 128, 128), (60, 150, 120), (200, 118, 133), (145, 90, 108)]
    pictures = [flat_frame(colour, "yuv420p") for colour in colours]
    path = make_video("c.mkv", pictures, codec="ffv1", colorspace=tag)
    with open_clip(path) as clip:
        for frame, colour in zip(clip, colours, strict=True):
            assert np.abs(frame.rgb[20, 20] - exact_rgb(*colour, weights)).max() <= 1


def pq_frame(nits: float) -> av.VideoFrame:
    power = (nits / 10000) ** 0.1593017578125
    code = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    frame = flat_frame((round(64 + 876 * code), 512, 512), "yuv420p10le")
    frame.color_trc, frame.color_primaries, frame.colorspace, frame.color_range = 16, 9, 9, 1
    return frame


def test_hdr_is_brought_to_the_range_of_sdr() -> None:
    values = []
    for nits in (0, 1, 20, 80, 203, 600, 1000, 4000):  # cd/m2
        frame = pq_frame(nits)
        mapping = ToneMapping.of(frame)
        assert mapping
        assert "PQ" in mapping.note
        values.append(mapping.to_sdr(frame, VideoReformatter())[20, 20].astype(int))
    gray = [value.mean() for value in values]
    assert all(np.ptp(value) <= 2 for value in values)  # no tint
    assert gray == sorted(gray)
    assert gray[0] == 0
    assert gray[3] == pytest.approx(255 * (80 / 203) ** (1 / 2.4), abs=3)  # below the knee light stays
    assert 180 < gray[4] < gray[5] < gray[6] == 255  # highlights are kept apart up to the peak


def test_sdr_of_ten_bits_is_not_touched(make_video: MakeVideo) -> None:
    path = make_video("ten.mkv", scene(2), codec="ffv1", pix_fmt="yuv444p10le")
    with open_clip(path) as clip:
        assert clip.info.notes == ()
        assert np.abs(next(iter(clip)).rgb.astype(int) - scene(2)[0]).mean() < 1
