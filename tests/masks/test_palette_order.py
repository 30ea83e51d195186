"""Palettes that a program has put into another order: right or refused, never wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import MaskError
from vosctl.masks.reading import read_mask
from vosctl.media.palette import PALETTE

SIZE = (80, 60)  # (width, height)
METHODS = (Image.Quantize.MEDIANCUT, Image.Quantize.MAXCOVERAGE, Image.Quantize.FASTOCTREE)


def blobs(generator: np.random.Generator, count: int) -> np.ndarray:
    """Labels (60, 80) of ellipses, all of which are seen."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    while True:
        labels = np.zeros(SIZE[::-1], np.uint8)
        for ident in range(1, count + 1):
            cx, cy = generator.integers(10, SIZE[0] - 10), generator.integers(8, SIZE[1] - 8)
            a, b = generator.integers(5, 16, 2)
            labels[((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 < 1] = ident
        if all((labels == ident).sum() > 20 for ident in range(1, count + 1)):
            return labels


def colours_for(generator: np.random.Generator, kind: str, count: int) -> np.ndarray:
    """(count + 1, 3), the first of which is black."""
    if kind == "davis":
        ids = 1 + generator.permutation(20)[:count]
        return PALETTE[np.concatenate([[0], ids])]
    if kind == "white":
        return np.array([(0, 0, 0), (255, 255, 255)], np.uint8)
    steps = generator.permutation(255)[:count]
    random = np.stack([steps, generator.permutation(255)[:count], 255 - steps // 3], axis=1)
    return np.concatenate([np.zeros((1, 3)), random]).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize("seed", range(40))
def test_what_quantisers_make_is_right_or_refused(seed: int, method: Image.Quantize, tmp_path: Path) -> None:
    generator = np.random.default_rng(seed)
    kind = ("davis", "white", "random")[seed % 3]
    count = 1 if kind == "white" else int(generator.integers(1, 6))
    labels = blobs(generator, count)
    picture = Image.fromarray(colours_for(generator, kind, count)[labels])
    quantised = picture.quantize(int(generator.integers(count + 1, 12)), method)
    quantised.save(tmp_path / "m.png", optimize=True)
    with Image.open(tmp_path / "m.png") as image:
        assert image.mode == "P"
        shown = np.asarray(image.convert("RGB")).astype(int) @ [1 << 16, 1 << 8, 1]
    pairs = {(int(colour), int(ident)) for colour, ident in zip(shown.ravel(), labels.ravel(), strict=True)}
    is_faithful = len({colour for colour, _ in pairs}) == len(pairs)  # else the file itself is wrong
    if (shown != 0).all():
        with pytest.raises(MaskError, match="no black or transparent entry"):
            read_mask(tmp_path / "m.png")
        return
    mask = read_mask(tmp_path / "m.png")
    np.testing.assert_array_equal(mask.labels == 0, shown == 0)
    if not is_faithful:
        return
    np.testing.assert_array_equal(mask.labels == 0, labels == 0)
    found = {(int(a), int(b)) for a, b in zip(mask.labels.ravel(), labels.ravel(), strict=True)}
    assert len(found) == count + 1, "each object is one object"
    if kind == "white":
        assert mask.object_ids == (1,)
    davis = {int(row @ [1 << 16, 1 << 8, 1]): ident for ident, row in enumerate(PALETTE.astype(int))}
    if kind == "davis" and set(np.unique(shown)) <= set(davis):
        np.testing.assert_array_equal(mask.labels, np.vectorize(davis.get)(shown))


def save_palette(
    path: Path, index: np.ndarray, colours: list[tuple[int, int, int]], **options: object
) -> None:
    image = Image.fromarray(index.astype(np.uint8))
    image.putpalette([channel for colour in colours for channel in colour])
    image.save(path, **options)


BLACK, WHITE, RED, BLUE = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)


def objects() -> np.ndarray:
    labels = np.zeros(SIZE[::-1], np.uint8)
    labels[5:20, 10:30] = 1
    labels[30:50, 40:60] = 2
    return labels


def test_black_is_the_background_at_any_index_and_that_is_said(tmp_path: Path) -> None:
    one = objects() == 1
    save_palette(tmp_path / "a.png", ~one, [WHITE, BLACK])
    mask = read_mask(tmp_path / "a.png")
    np.testing.assert_array_equal(mask.labels, one)
    assert str(mask) == (
        "a.png: palette with the background at index 1, gray saved as colour 0/255, object 1, 80x60"
    )
    save_palette(tmp_path / "b.png", np.array([2, 0, 1])[objects()], [RED, BLUE, BLACK])
    mask = read_mask(tmp_path / "b.png")
    np.testing.assert_array_equal(mask.labels, objects())
    assert "background at index 2" in mask.form


def test_a_transparent_entry_is_the_background(tmp_path: Path) -> None:
    save_palette(tmp_path / "a.png", np.array([2, 0, 1])[objects()], [RED, BLUE, WHITE], transparency=2)
    mask = read_mask(tmp_path / "a.png")
    np.testing.assert_array_equal(mask.labels, objects())
    assert "background at index 2" in mask.form


def test_colours_of_the_davis_palette_keep_their_ids(tmp_path: Path) -> None:
    davis = [tuple(colour) for colour in PALETTE[[0, 9, 4]].tolist()]
    save_palette(tmp_path / "a.png", objects(), davis)
    assert read_mask(tmp_path / "a.png").object_ids == (4, 9)


def test_a_palette_that_ends_early_still_means_ids(tmp_path: Path) -> None:
    labels = objects() * 3
    save_palette(tmp_path / "a.png", labels, [BLACK, RED, BLUE, RED, BLACK, BLUE, BLACK])  # 0 and 6 are black
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png").labels, labels)


@pytest.mark.parametrize(
    ("colours", "found"),
    [
        ([WHITE, RED, BLUE], "no black or transparent entry"),
        ([RED, BLACK, BLACK], "2 black or transparent entries"),
    ],
)
def test_what_cannot_be_told_is_refused(
    tmp_path: Path, colours: list[tuple[int, int, int]], found: str
) -> None:
    save_palette(tmp_path / "a.png", objects(), colours)
    with pytest.raises(MaskError, match=rf"a\.png has a palette with {found} among the 3 that are used"):
        read_mask(tmp_path / "a.png")
