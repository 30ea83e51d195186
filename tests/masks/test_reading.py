"""Tests of `reading`, `pixel_ids` and `shades`: single masks, as tools and people save them.

Tests masks/pixel_ids.py and masks/shades.py too.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from vosctl.errors import MaskError
from vosctl.masks.reading import Mask, read_mask
from vosctl.media.palette import PALETTE, palette_bytes, save_palette_png


def shapes(ids: tuple[int, ...] = (1, 2)) -> np.ndarray:
    """Labels (60, 80) with a block for each id."""
    labels = np.zeros((60, 80), np.uint8)
    for number, ident in enumerate(ids):
        labels[5 + 8 * number : 12 + 8 * number, 10 + 6 * number : 40 + 6 * number] = ident
    return labels


def save(tmp_path: Path, array: np.ndarray, mode: str | None = None, name: str = "first.png") -> Path:
    image = Image.fromarray(array)
    if mode:
        image = image.convert(mode)
    image.save(tmp_path / name)
    return tmp_path / name


def check(mask: Mask, labels: np.ndarray, description: str) -> None:
    np.testing.assert_array_equal(mask.labels, labels)
    assert mask.labels.dtype == np.uint8
    assert mask.object_ids == tuple(i for i in np.unique(labels).tolist() if i)
    assert str(mask) == description


def coloured(labels: np.ndarray, *colours: tuple[int, ...]) -> np.ndarray:
    return np.array([(0,) * len(colours[0]), *colours], np.uint8)[labels]


def test_palette(tmp_path: Path) -> None:
    labels = shapes()
    save_palette_png(tmp_path / "first.png", labels)
    mask = read_mask(tmp_path / "first.png", (80, 60))
    check(mask, labels, "first.png: palette, objects 1, 2, 80x60")


def test_palette_with_void(tmp_path: Path) -> None:
    labels = shapes((3, 255))
    save_palette_png(tmp_path / "first.png", labels)
    mask = read_mask(tmp_path / "first.png")
    expected = np.where(labels == 255, 0, labels)
    check(mask, expected, "first.png: palette, 255 read as void (background), object 3, 80x60")


def test_a_short_palette_of_other_colours(tmp_path: Path) -> None:
    labels = shapes((1, 2, 3))
    image = Image.fromarray(labels)
    image.putpalette([0, 0, 0, 250, 10, 10, 10, 250, 10, 10, 10, 250])
    image.save(tmp_path / "first.png", bits=2)
    check(read_mask(tmp_path / "first.png"), labels, "first.png: palette, objects 1, 2, 3, 80x60")


def test_a_gray_palette_is_read_as_gray(tmp_path: Path) -> None:
    labels = shapes((1,))
    image = Image.fromarray(labels * 255)
    image.putpalette(np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
    image.save(tmp_path / "first.png")
    check(read_mask(tmp_path / "first.png"), labels, "first.png: gray in a palette 0/255, object 1, 80x60")


def test_gray_with_ids(tmp_path: Path) -> None:
    labels = shapes((2, 7, 254))
    description = "first.png: gray ids, objects 2, 7, 254, 80x60"
    check(read_mask(save(tmp_path, labels)), labels, description)


def test_gray_of_one_value(tmp_path: Path) -> None:
    labels = shapes((1,))
    check(read_mask(save(tmp_path, labels * 255)), labels, "first.png: gray 0/255, object 1, 80x60")
    check(read_mask(save(tmp_path, labels * 5)), labels * 5, "first.png: gray ids, object 5, 80x60")


def test_gray_with_void(tmp_path: Path) -> None:
    labels = shapes((1, 255))
    mask = read_mask(save(tmp_path, labels))
    check(mask, np.where(labels == 255, 0, labels), f"first.png: {mask.form}, object 1, 80x60")
    assert mask.form == "gray ids, 255 read as void (background)"


def test_one_bit(tmp_path: Path) -> None:
    labels = shapes((1,))
    path = save(tmp_path, labels * 255, "1")
    with Image.open(path) as image:
        assert image.mode == "1"
    check(read_mask(path), labels, "first.png: 1-bit, object 1, 80x60")


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_colours_of_the_davis_palette(tmp_path: Path, suffix: str) -> None:
    labels = shapes((1, 2, 8))
    path = tmp_path / f"first.{suffix}"
    Image.fromarray(PALETTE[labels]).save(path, lossless=True)
    form = "colours of the DAVIS palette"
    check(read_mask(path), labels, f"first.{suffix}: {form}, objects 1, 2, 8, 80x60")


def test_other_colours_are_numbered_by_first_appearance(tmp_path: Path) -> None:
    labels = shapes((1, 2))
    path = save(tmp_path, coloured(labels, (250, 250, 10), (9, 0, 200)))
    form = "colours numbered by first appearance (#fafa0a = 1, #0900c8 = 2)"
    check(read_mask(path), labels, f"first.png: {form}, objects 1, 2, 80x60")


def test_colours_on_transparent_ground(tmp_path: Path) -> None:
    labels = shapes((1, 2))
    pixels = coloured(labels, (128, 0, 0, 255), (0, 128, 0, 255))
    pixels[labels == 0] = (77, 88, 99, 0)  # what lies under transparency does not matter
    check(
        read_mask(save(tmp_path, pixels)),
        labels,
        "first.png: colours of the DAVIS palette, objects 1, 2, 80x60",
    )


@pytest.mark.parametrize("ground", ["photo", "black"])
def test_the_alpha_channel_as_mask(tmp_path: Path, ground: str) -> None:
    labels = shapes((1,))
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 4), np.uint8)
    if ground == "black":
        pixels[:] = 0
    pixels[..., 3] = labels * 255
    check(read_mask(save(tmp_path, pixels)), labels, "first.png: alpha channel, object 1, 80x60")


def test_white_on_transparent_ground(tmp_path: Path) -> None:
    labels = shapes((1,))
    path = save(tmp_path, coloured(labels, (255, 255, 255, 255)))
    check(read_mask(path), labels, "first.png: gray saved as colour 0/255, object 1, 80x60")


def test_gray_saved_as_colour(tmp_path: Path) -> None:
    labels = shapes((1, 2))
    path = save(tmp_path, labels, "RGB")
    check(read_mask(path), labels, "first.png: gray saved as colour ids, objects 1, 2, 80x60")


def test_sixteen_bits(tmp_path: Path) -> None:
    labels = shapes((1, 200))
    path = save(tmp_path, labels.astype(np.uint16))
    check(read_mask(path), labels, "first.png: 16-bit gray ids, objects 1, 200, 80x60")
    path = save(tmp_path, shapes((1,)).astype(np.uint16) * 65535)
    check(read_mask(path), shapes((1,)), "first.png: 16-bit gray 0/65535, object 1, 80x60")


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.uint16])
def test_numpy_labels(tmp_path: Path, dtype: type) -> None:
    np.save(tmp_path / "first.npy", shapes((1, 9)).astype(dtype)[None])
    mask = read_mask(tmp_path / "first.npy", (80, 60))
    check(mask, shapes((1, 9)), "first.npy: NumPy labels ids, objects 1, 9, 80x60")


def test_numpy_booleans(tmp_path: Path) -> None:
    np.save(tmp_path / "first.npy", shapes((1,)) > 0)
    check(read_mask(tmp_path / "first.npy"), shapes((1,)), "first.npy: NumPy booleans, object 1, 80x60")


@pytest.mark.parametrize("count", [1, 12])
def test_objects_of_a_single_pixel(tmp_path: Path, count: int) -> None:
    labels = np.zeros((60, 80), np.uint8)
    for ident in range(1, count + 1):
        labels[ident * 4, ident * 5] = ident
    save_palette_png(tmp_path / "palette.png", labels)
    np.testing.assert_array_equal(read_mask(tmp_path / "palette.png").labels, labels)
    np.testing.assert_array_equal(read_mask(save(tmp_path, labels)).labels, labels)


def circle(antialiased: bool = True) -> Image.Image:
    scale = 8 if antialiased else 1
    image = Image.new("L", (80 * scale, 60 * scale))
    ImageDraw.Draw(image).ellipse([20 * scale, 10 * scale, 60 * scale, 50 * scale], fill=255)
    return image.resize((80, 60), Image.Resampling.BOX)


def test_a_hard_circle_is_fine(tmp_path: Path) -> None:
    circle(antialiased=False).save(tmp_path / "first.png")
    assert read_mask(tmp_path / "first.png").object_ids == (1,)


def resized(labels: np.ndarray, filter_: Image.Resampling) -> Image.Image:
    return Image.fromarray(labels).resize((99, 77), filter_)


SOFT = {
    "antialiased.png": lambda path: circle().save(path),
    "blurred.png": lambda path: circle().filter(ImageFilter.GaussianBlur(4)).save(path),
    "box.png": lambda path: resized(shapes((255,)), Image.Resampling.BILINEAR).save(path),
    "mask.jpg": lambda path: Image.fromarray(shapes((255,))).save(path, quality=90),
    "colour.jpg": lambda path: Image.fromarray(PALETTE[shapes()]).save(path),
    "colour.png": lambda path: Image.merge("RGB", [circle(), Image.new("L", (80, 60)), circle()]).save(path),
    "palette.png": lambda path: circle().convert("P").save(path),
    "alpha.png": lambda path: Image.merge("LA", [Image.new("L", (80, 60), 255), circle()]).save(path),
    "ids.png": lambda path: resized(shapes() * 90, Image.Resampling.BICUBIC).save(path),
}


@pytest.mark.parametrize("name", SOFT)
def test_shades_are_refused_with_their_number_and_a_way_out(tmp_path: Path, name: str) -> None:
    SOFT[name](tmp_path / name)
    with pytest.raises(
        MaskError, match=rf"{name} has \d+ different .*antialiasing.*as PNG, not JPEG"
    ) as caught:
        read_mask(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match=r"first\.png is 80x60, but the clip is 60x80; give a mask of"):
        read_mask(save(tmp_path, shapes()), (60, 80))


@pytest.mark.parametrize("rotation", [90, 180, 270])
@pytest.mark.parametrize("name", ["first.png", "first.npy"])
def test_a_mask_of_a_turned_clips_stored_size_is_turned_and_that_is_said(
    tmp_path: Path, rotation: int, name: str
) -> None:
    upright = shapes()
    stored = np.ascontiguousarray(np.rot90(upright, -rotation // 90))  # as the camera kept it
    if name == "first.png":
        save(tmp_path, stored)
    else:
        np.save(tmp_path / name, stored)
    mask = read_mask(tmp_path / name, (80, 60), rotation)
    if rotation == 180:  # which cannot be seen from the size
        np.testing.assert_array_equal(mask.labels, stored)
        return
    np.testing.assert_array_equal(mask.labels, upright)
    assert f"turned by {rotation} degrees counter-clockwise as the clip's pictures are" in str(mask)
    save_palette_png(tmp_path / "upright.png", upright)
    np.testing.assert_array_equal(read_mask(tmp_path / "upright.png", (80, 60), rotation).labels, upright)


def test_an_empty_mask(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match=r"first\.png \(gray ids\) holds no object"):
        read_mask(save(tmp_path, shapes(())))
    save_palette_png(tmp_path / "void.png", shapes((255,)))
    with pytest.raises(
        MaskError, match=r"void\.png \(palette, 255 read as void \(background\)\) holds no obj"
    ):
        read_mask(tmp_path / "void.png")


def test_ids_over_254(tmp_path: Path) -> None:
    labels = shapes((1, 2)).astype(np.uint16)
    labels[labels == 2] = 300
    with pytest.raises(MaskError, match=r"first\.png holds the value 300; ids must lie in 1\.\.254"):
        read_mask(save(tmp_path, labels))
    np.save(tmp_path / "first.npy", -shapes().astype(np.int32))
    with pytest.raises(MaskError, match=r"holds the value -2"):
        read_mask(tmp_path / "first.npy")


def test_colours_without_a_background(tmp_path: Path) -> None:
    pixels = np.full((60, 80, 3), (10, 200, 10), np.uint8)
    pixels[:30] = (200, 10, 10)
    with pytest.raises(MaskError, match="2 colours and no background"):
        read_mask(save(tmp_path, pixels))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.png", None, "does not exist"),
        ("words.png", b"not an image", "cannot be read: not an image"),
        ("words.npy", b"not an array", "cannot be read as a NumPy array"),
        ("empty.png", b"", "cannot be read"),
    ],
)
def test_what_is_not_a_mask(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(MaskError, match=rf"{name} {message}") as caught:
        read_mask(tmp_path / name)
    assert caught.value.exit_code == 2


def test_a_folder_fractions_and_cut_files(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="is a folder"):
        read_mask(tmp_path)
    np.save(tmp_path / "a.npy", np.zeros((3, 4)))
    with pytest.raises(MaskError, match=r"holds float64 \(3, 4\); expected whole numbers"):
        read_mask(tmp_path / "a.npy")
    Image.fromarray(np.zeros((3, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(MaskError, match="holds fractions"):
        read_mask(tmp_path / "a.tif")
    path = save(tmp_path, np.random.default_rng(0).integers(0, 3, (60, 80), np.uint8))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(MaskError, match=r"first\.png cannot be read"):
        read_mask(path)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_blocks_of_ids_are_read_from_gray_and_palette_alike(
    tmp_path_factory, data: st.DataObject
) -> None:
    ids = data.draw(st.lists(st.integers(1, 254), min_size=1, max_size=6, unique=True))
    labels = shapes(tuple(ids))
    folder = tmp_path_factory.mktemp("masks")
    np.testing.assert_array_equal(read_mask(save(folder, labels)).labels, labels)
    image = Image.fromarray(labels)
    image.putpalette(palette_bytes())
    image.save(folder / "palette.png")
    np.testing.assert_array_equal(read_mask(folder / "palette.png").labels, labels)
