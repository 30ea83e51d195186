"""Broken and odd masks through the command."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Result
from tests.cli.odd_files import (
    FRAMES,
    MASK,
    SIZE,
    Make,
    check_clean,
    check_refused,
    encode,
    png,
    png_of,
    write,
)


def soft_mask() -> np.ndarray:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    return (255 * np.clip(1 - np.hypot(x - 30, y - 24) / 24, 0, 1)).astype(np.uint8)


def jpeg(array: np.ndarray) -> bytes:
    written = BytesIO()
    Image.fromarray(array).save(written, "JPEG", quality=70)
    return written.getvalue()


def saved(name: str, image: Image.Image) -> Make:
    return lambda: image.save(name)


BAD_MASKS: dict[str, tuple[str, Make]] = {
    "zero bytes": ("m.png", lambda: write("m.png", b"")),
    "text": ("m.png", lambda: write("m.png", b"a mask")),
    "truncated": ("m.png", lambda: write("m.png", png(MASK)[:70])),
    "empty": ("m.png", lambda: write("m.png", png(MASK * 0))),
    "antialiased": ("m.png", lambda: write("m.png", png(soft_mask()))),
    "JPEG": ("m.jpg", lambda: write("m.jpg", jpeg(soft_mask()))),
    "a photograph": ("m.png", lambda: write("m.png", png(FRAMES[0]))),
    "too small": ("m.png", lambda: write("m.png", png(MASK[:20]))),
    "too large": ("m.png", lambda: write("m.png", png(np.tile(MASK, (2, 2))))),
    "turned": ("m.png", lambda: write("m.png", png(np.ascontiguousarray(MASK.T)))),
    "16-bit ids that are too high": ("m.png", lambda: write("m.png", png(MASK.astype(np.uint16) * 300))),
    "float TIFF": ("m.tif", saved("m.tif", Image.fromarray(MASK.astype(np.float32) / 2))),
    "a header of 50000x50000": ("m.png", lambda: write("m.png", png_of(50000, 50000, b""))),
    "a zlib bomb": ("m.png", lambda: write("m.png", png_of(20000, 20000, bytes(1 << 24)))),
    "a size of nought": ("m.png", lambda: write("m.png", png_of(0, 0, b""))),
    "a folder": ("m.png", lambda: Path("m.png").mkdir()),
    "a link to itself": ("m.png", lambda: Path("m.png").symlink_to("m.png")),
    "nothing": ("m.png", lambda: None),
    "a video": ("m.mp4", lambda: encode("m.mp4")),
    "an array of floats": ("m.npy", lambda: np.save("m.npy", MASK.astype(float))),
    "an array of objects": ("m.npy", lambda: np.save("m.npy", np.array([{}]), allow_pickle=True)),
    "an array that claims too much": (
        "m.npy",
        lambda: write(
            "m.npy",
            b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (9999999, 9999999)}",
        ),
    ),
    "negative ids": ("m.npy", lambda: np.save("m.npy", MASK.astype(np.int16) * -3)),
    "PostScript": ("m.png", lambda: write("m.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n")),
}

ODD_MASKS: dict[str, tuple[str, Make]] = {
    "RGBA": (
        "m.png",
        lambda: write("m.png", png(np.dstack([np.full((*MASK.shape, 3), 90, np.uint8), MASK * 255]))),
    ),
    "1-bit": ("m.png", lambda: write("m.png", png(MASK > 0))),
    "16-bit": ("m.png", lambda: write("m.png", png(MASK.astype(np.uint16) * 65535))),
    "CMYK": ("m.tif", saved("m.tif", Image.fromarray(np.dstack([MASK * 255] * 3)).convert("CMYK"))),
    "BMP": ("m.bmp", lambda: Image.fromarray(MASK * 255).save("m.bmp")),
    "GIF": ("m.gif", lambda: Image.fromarray(MASK * 255).save("m.gif")),
    "big-endian array": ("m.npy", lambda: np.save("m.npy", MASK.astype(">i8"))),
    "void and an id": ("m.png", lambda: write("m.png", png(np.where(MASK == 0, 255, MASK)))),
    "the highest id": ("m.png", lambda: write("m.png", png(MASK * 254))),
    "a name with spaces": ("a mask .png", lambda: write("a mask .png", png(MASK * 255))),
}


@pytest.mark.parametrize("name", BAD_MASKS)
def test_a_mask_that_cannot_be_used(name: str, segment: Callable[..., Result], tmp_path: Path) -> None:
    mask, make = BAD_MASKS[name]
    encode("c.mp4")
    make()
    check_refused(segment("c.mp4", "--mask", mask, "-o", "out"), mask)
    assert not Path("out").exists()
    check_clean(tmp_path)


@pytest.mark.parametrize("name", ODD_MASKS)
def test_an_odd_mask_is_understood(name: str, segment: Callable[..., Result], tmp_path: Path) -> None:
    mask, make = ODD_MASKS[name]
    encode("c.mp4", FRAMES[:2])
    make()
    result = segment("c.mp4", "--mask", mask, "-o", "out")
    assert result.code == 0, result.err
    first = np.array(Image.open("out/00000.png"))
    assert np.array_equal(first > 0, MASK > 0)
