"""A folder of images as a clip."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from vosctl.errors import ClipError
from vosctl.media.broken_files import IMAGE_ERRORS
from vosctl.media.frame import Clip, ClipInfo, Frame

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key by which `frame9` comes before `frame10`."""
    return [
        (1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", name) if part
    ]


def list_images(folder: Path) -> list[Path]:
    """The images in `folder` in natural order; hidden files (such as macOS' `._` copies) are left out."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")]
    return sorted(found, key=lambda p: (natural_key(p.stem), p.name))


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Decodes an image, upright by its EXIF orientation, as (H, W, 3) uint8 without alpha.

    Raises:
        ClipError: it cannot be read.
    """
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):  # 16-bit gray, which Pillow would clip instead of scale
                high_byte = (np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8)
                return np.repeat(high_byte[..., None], 3, axis=2)
            return np.array(upright.convert("RGB"))  # an array of its own, which may be changed
    except IMAGE_ERRORS as error:
        raise ClipError(f"{path} cannot be read as an image: {error}; replace or remove it") from error


class FrameFolder(Clip):
    """The images of a folder, in natural order of their names. They have no times."""

    def __init__(self, path: Path) -> None:
        try:
            self._images = list_images(path)
        except OSError as error:
            raise ClipError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
        if not self._images:
            raise ClipError(
                f"{path} holds no image ({', '.join(sorted(IMAGE_SUFFIXES))}); give a folder of frames"
            )
        stems: dict[str, Path] = {}
        for image in self._images:
            if image.stem in stems:
                raise ClipError(
                    f"{path} holds {stems[image.stem].name} and {image.name}: two frames of one name; "
                    "remove one"
                )
            stems[image.stem] = image
        height, width = read_rgb(self._images[0]).shape[:2]
        self.info = ClipInfo(
            path, width, height, len(self._images), rate=None, has_audio=False, is_folder=True
        )

    def __iter__(self) -> Iterator[Frame]:
        return self.frames_from(0)

    def frames_from(self, start: int) -> Iterator[Frame]:
        """As of any clip, without reading the images before."""
        size = (self.info.width, self.info.height)
        for index, path in enumerate(self._images[start:], start):
            rgb = read_rgb(path)
            if (rgb.shape[1], rgb.shape[0]) != size:
                raise ClipError(
                    f"{path} is {rgb.shape[1]}x{rgb.shape[0]}, but {self._images[0].name} is "
                    f"{size[0]}x{size[1]}; all frames of a clip must have one size"
                )
            yield Frame(index, rgb, None, path.stem)
