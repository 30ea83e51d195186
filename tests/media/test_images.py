from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import ClipError
from vosctl.media.clip import open_clip
from vosctl.media.images import read_rgb

GRAY = np.arange(0, 240, 5, dtype=np.uint8).reshape(6, 8)


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ((GRAY.astype(np.uint16) * 16), "taken as 12 bits"),
        ((GRAY / np.float32(255)).astype(np.float32), "1 as white"),
    ],
)
def test_deep_pictures_are_scaled_by_their_range(tmp_path: Path, values: np.ndarray, note: str) -> None:
    for index in range(3):
        Image.fromarray(values).save(tmp_path / f"{index}.tif")
    with open_clip(tmp_path) as clip:
        assert note in clip.info.notes[0]
        for frame in clip:
            assert np.abs(frame.rgb.astype(int) - GRAY[..., None]).max() <= 1


def test_what_pillow_gives_to_other_programs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "00000.png"
    Image.fromarray(GRAY).convert("RGB").save(path, "EPS")
    with pytest.raises(ClipError, match=r"00000\.png cannot be read as an image"):
        read_rgb(path)


def test_the_declared_size_is_looked_at_first(tmp_path: Path) -> None:
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    with pytest.raises(ClipError, match=r"8x6 pixels.*--max-pixels 48"):
        read_rgb(tmp_path / "a.png", max_pixels=47)
