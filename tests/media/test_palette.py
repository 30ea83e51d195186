from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import OutputError
from vosctl.media.palette import PALETTE, palette_bytes, save_palette_png


def test_the_colours_are_those_of_davis_and_voc() -> None:
    assert PALETTE.shape == (256, 3)
    assert PALETTE[:9].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [0, 0, 128],
        [128, 0, 128],
        [0, 128, 128],
        [128, 128, 128],
        [64, 0, 0],
    ]
    assert PALETTE[255].tolist() == [224, 224, 192]
    assert len(np.unique(PALETTE, axis=0)) == 256
    assert palette_bytes()[3:6] == bytes([128, 0, 0])


def test_the_file_is_a_palette_image_whose_pixels_are_the_ids(tmp_path: Path) -> None:
    labels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    save_palette_png(tmp_path / "a.png", labels)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), labels)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), PALETTE[labels])
    assert len(list(tmp_path.iterdir())) == 1


def test_labels_need_not_lie_in_one_block_of_memory(tmp_path: Path) -> None:
    labels = np.arange(60, dtype=np.uint8).reshape(6, 10)[::2, ::-1]
    save_palette_png(tmp_path / "a.png", labels)
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), labels)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path, file_limit) -> None:
    labels = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    with file_limit(500), pytest.raises(OutputError, match=r"a\.png cannot be written"):
        save_palette_png(tmp_path / "a.png", labels)
    assert not list(tmp_path.iterdir())
