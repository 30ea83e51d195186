"""Masks without a background, or with object and background exchanged, are refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import MaskError
from vosctl.masks.reading import read_labels, read_mask
from vosctl.media.palette import save_palette_png

DISC = np.hypot(*(np.mgrid[:60, :80] - np.array([30, 40])[:, None, None])) < 15


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(("low", "high"), [(16, 255), (16, 235), (7, 255), (1, 2), (255, 254)])
def test_gray_without_a_0(tmp_path: Path, low: int, high: int) -> None:
    path = save(tmp_path / "m.png", np.where(DISC, high, low).astype(np.uint8))
    found = f"it holds the values {min(low, high)}, {max(low, high)} and no 0"
    with pytest.raises(MaskError, match=rf"m\.png \(.*\) has no background: {found}; make the background 0"):
        read_mask(path)


def test_all_of_one_value(tmp_path: Path) -> None:
    for pixels in (np.full((60, 80), 255, np.uint8), np.full((60, 80), 3, np.uint8), np.ones((60, 80), bool)):
        with pytest.raises(MaskError, match="has no background"):
            read_mask(save(tmp_path / "m.png", pixels))
    np.save(tmp_path / "m.npy", np.ones((60, 80), np.uint8))
    with pytest.raises(MaskError, match="has no background"):
        read_mask(tmp_path / "m.npy")


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P"])
def test_an_inverted_picture(tmp_path: Path, mode: str) -> None:
    disc = DISC.copy()
    disc[:20, 50:54] = True  # it may reach the edge
    Image.fromarray(np.where(disc, 0, 255).astype(np.uint8)).convert(mode).save(tmp_path / "m.png")
    with pytest.raises(MaskError, match=r"m\.png \(.*\) seems to be inverted.*background black"):
        read_mask(tmp_path / "m.png")
    Image.fromarray(np.where(disc, 255, 0).astype(np.uint8)).convert(mode).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png").labels, disc)


def test_black_around_the_picture_of_an_index_that_is_not_0_is_found(tmp_path: Path) -> None:
    image = Image.fromarray(np.where(DISC, 1, 7).astype(np.uint8))
    image.putpalette([9, 9, 9, 255, 0, 0, 0, 255, 0] + [0] * 15)
    image.save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png").labels, DISC)


def test_an_object_may_fill_the_picture_in_a_label_map(tmp_path: Path) -> None:
    save_palette_png(tmp_path / "m.png", np.where(DISC, 2, 1).astype(np.uint8))
    assert read_mask(tmp_path / "m.png").object_ids == (1, 2)


def test_large_objects_that_leave_some_of_the_edge_pass(tmp_path: Path) -> None:
    pixels = np.full((60, 80), 255, np.uint8)
    pixels[:12] = 0  # 80 % of the picture, three of its sides
    assert read_mask(save(tmp_path / "m.png", pixels)).object_ids == (1,)


def test_void_around_ids_is_background(tmp_path: Path) -> None:
    path = save(tmp_path / "m.png", np.where(DISC, 1, 255).astype(np.uint8))
    np.testing.assert_array_equal(read_mask(path).labels, DISC)


def test_later_masks_of_a_clip_need_no_background(tmp_path: Path) -> None:
    labels, _ = read_labels(save(tmp_path / "m.png", np.full((60, 80), 255, np.uint8)), None, {})
    assert labels.all()
