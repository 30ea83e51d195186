from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from vosctl.errors import ClipError
from vosctl.masks.exr_file import write_exr
from vosctl.media.clip import open_clip

LIGHT = np.tile(np.array([0.0, 0.002, 0.0625, 0.5, 1.0, 4.0], np.float32), (5, 1))


def test_linear_light_is_shown_as_srgb(tmp_path: Path) -> None:
    for index in range(2):
        channels = {"R": LIGHT, "G": LIGHT, "B": LIGHT * (1 - index)}
        write_exr(tmp_path / f"shot.{1001 + index}.exr", channels)
    clip = open_clip(tmp_path)
    first, second = clip
    assert first.stem == "shot.1001"
    assert first.rgb[0, :, 0].tolist() == [0, 7, 71, 188, 255, 255]
    assert not second.rgb[..., 2].any()
    assert (second.rgb[..., :2] == first.rgb[..., :2]).all()
    assert "linear light" in clip.info.notes[0]


def test_dpx_has_its_range_scaled(tmp_path: Path) -> None:
    values = np.tile(np.array([0, 16384, 65535], np.uint16)[:, None], (4, 1, 3)).reshape(4, 3, 3)
    with av.open(str(tmp_path / "a.dpx"), "w", format="image2") as container:
        stream = container.add_stream("dpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 3, 4, "gbrp10le"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(values), format="rgb48le")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (frame,) = open_clip(tmp_path)
    assert abs(frame.rgb[0, :, 0].astype(int) - [0, 64, 255]).max() <= 1


@pytest.mark.parametrize("name", ["a.gif", "a.jp2", "a.ppm", "a.tga", "a.jfif"])
def test_other_pictures(tmp_path: Path, name: str) -> None:
    picture = np.zeros((16, 24, 3), np.uint8)
    picture[:, 12:] = (250, 120, 10)
    form = {"jfif": "JPEG", "jp2": "JPEG2000"}.get(name[2:], name[2:].upper())
    Image.fromarray(picture).save(tmp_path / name, format=form)
    (frame,) = open_clip(tmp_path)
    assert frame.rgb.shape == (16, 24, 3)
    assert abs(frame.rgb[4:12, 16:20].astype(int) - (250, 120, 10)).max() <= 4


def test_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(b"no picture")
    with pytest.raises(ClipError, match=r"a\.exr cannot be read as an image"):
        open_clip(tmp_path)
