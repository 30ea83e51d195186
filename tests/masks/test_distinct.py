"""Tests of `distinct`, by way of masks larger than a strip."""

import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import MaskError
from vosctl.masks.distinct import TooManyValuesError, index_values, rows_of_array, strips
from vosctl.masks.reading import read_mask


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 3), (3, 1 << 20), (2500, 1000)])
def test_strips_make_up_the_image(height: int, width: int) -> None:
    found = list(strips(height, width))
    assert (found[0][0], found[-1][1]) == (0, height)
    assert all(a[1] == b[0] for a, b in pairwise(found))


def test_values_and_where_they_are() -> None:
    array = np.random.default_rng(0).choice([-5, 0, 70000, 3], (1200, 1000))
    array[1100, 7] = 9  # in the second strip alone
    image = index_values(rows_of_array(array), *array.shape)
    assert image.values.tolist() == [-5, 0, 3, 9, 70000]
    np.testing.assert_array_equal(image.values[image.index], array)


def test_too_many_values() -> None:
    with pytest.raises(TooManyValuesError) as caught:
        index_values(rows_of_array(np.arange(300)[None]), 1, 300)
    assert caught.value.count == 300


@pytest.mark.parametrize("mode", ["RGBA", "L", "P"])
def test_a_large_mask_takes_a_few_bytes_a_pixel(tmp_path: Path, mode: str) -> None:
    side = 3000
    image = Image.new("RGBA", (side, side))
    image.paste((250, 30, 30, 255), (100, 200, 900, 2900))
    image.convert("L").point(lambda value: 255 * (value > 0)).convert(mode).save(tmp_path / "m.png")
    if mode == "RGBA":
        image.save(tmp_path / "m.png")
    tracemalloc.start()
    mask = read_mask(tmp_path / "m.png", (side, side))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert mask.labels.sum() == 800 * 2700
    assert peak < 15 * side * side


def test_many_ids_are_taken_and_gradients_are_not(tmp_path: Path) -> None:
    labels = np.zeros((480, 640), np.uint8)
    for ident in range(1, 251):
        y, x = divmod(ident - 1, 20)
        labels[y * 36 : y * 36 + 24, x * 32 : x * 32 + 22] = ident
    Image.fromarray(labels).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png").labels, labels)
    touching = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(20, 0).repeat(20, 1) % 251
    Image.fromarray(touching).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png").labels, touching)
    y, x = np.mgrid[:600, :800]
    for gradient in (x * 255 // 800, y * 255 // 600, 255 - np.hypot(x - 400, y - 300) // 2):
        Image.fromarray(gradient.clip(0, 250).astype(np.uint8)).save(tmp_path / "m.png")
        with pytest.raises(MaskError, match=r"has \d+ different values, many of them shades"):
            read_mask(tmp_path / "m.png")
