"""Pictures in files, read as RGB: only formats that are decoded by Pillow itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from vosctl.errors import ClipError
from vosctl.media.broken_files import IMAGE_ERRORS
from vosctl.media.film_images import FILM_SUFFIXES, read_film
from vosctl.media.limits import MAX_PIXELS, check_clip_size

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "JPEG2000", "PPM", "TGA")
"""What Pillow may take a picture for, whatever its name: for others, such as EPS, it starts programs."""


@contextmanager
def open_image(path: Path, formats: tuple[str, ...] = IMAGE_FORMATS) -> Iterator[Image.Image]:
    """Opens a picture without decoding it, by `Image.open` with a list of formats.

    Raises:
        OSError: as of Pillow, or any other of `IMAGE_ERRORS`.
    """
    with Image.open(path, formats=formats) as image:
        yield image


@dataclass(frozen=True)
class ValueRange:
    """Which values of a gray picture of more than 8 bits are black and white.

    A camera's 12 bits in 16 would else be almost black, and so would be floats from 0 to 1.
    """

    black: float
    white: float
    note: str | None = None
    """How the values were understood, where it is not as the file's type says."""

    @classmethod
    def of(cls, values: NDArray[np.generic]) -> "ValueRange":
        """Guesses the range from values (...) of some pictures of a clip."""
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        if values.dtype.kind == "f":
            if low >= 0 and high <= 255:
                white = 1.0 if high <= 1 else 255.0
                return cls(0, white, f"pictures of floats: 0 was taken as black and {white:g} as white")
            note = f"pictures of floats: {low:g} was taken as black and {high:g} as white"
            return cls(low, high, note)
        for bits in (8, 10, 12, 14):
            if low >= 0 and 0 < high < 1 << bits:
                return cls(
                    0, (1 << bits) - 1, f"16-bit pictures with values up to {high:g}: taken as {bits} bits"
                )
        if low < 0 or high >= 1 << 16:
            return cls(low, high, f"32-bit pictures: {low:g} was taken as black and {high:g} as white")
        return cls(0, (1 << 16) - 1)

    def to_rgb(self, values: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Brings gray values (H, W) to (H, W, 3) uint8; what lies outside the range is clipped."""
        share = (np.nan_to_num(values.astype(np.float64)) - self.black) / ((self.white - self.black) or 1)
        gray = np.floor(share.clip(0, 1) * 255.999).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)


def read_deep(path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.generic] | None:
    """Returns the gray values (H, W) of a picture of more than 8 bits; None if it has no more.

    Raises:
        ClipError: it cannot be read.
    """
    read = _read(path, max_pixels)
    return None if read.dtype == np.uint8 else read


def read_rgb(
    path: Path, max_pixels: int = MAX_PIXELS, value_range: ValueRange | None = None
) -> NDArray[np.uint8]:
    """Decodes an image, upright by its EXIF orientation, as (H, W, 3) uint8 without alpha.

    Args:
        path: of the image.
        max_pixels: how many pixels it may have.
        value_range: of gray values of more than 8 bits; by default that of this picture.

    Raises:
        ClipError: it cannot be read.
    """
    read = _read(path, max_pixels)
    if read.dtype == np.uint8:
        return np.asarray(read, np.uint8)
    return (value_range or ValueRange.of(read)).to_rgb(read)


def _read(path: Path, max_pixels: int) -> NDArray[np.generic]:
    """Returns (H, W, 3) uint8, or the values (H, W) of a gray picture of more than 8 bits."""
    if path.suffix.lower() in FILM_SUFFIXES:
        return read_film(path, max_pixels)
    try:
        with open_image(path) as image:
            check_clip_size(path, *image.size, max_pixels)
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith(("I", "F")):  # Pillow would clip them instead of scaling them
                return np.asarray(upright)
            return np.array(upright.convert("RGB"))  # an array of its own, which may be changed
    except IMAGE_ERRORS as error:
        raise ClipError(f"{path} cannot be read as an image: {error}; replace or remove it") from error
