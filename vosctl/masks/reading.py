"""Masks of objects, in all the forms that tools and people save them in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from vosctl.arrays import Labels, ids_in, object_ids_in
from vosctl.errors import MaskError
from vosctl.masks.background import check_background
from vosctl.masks.pixel_ids import ColourIds, Meaning, Understood, understand_array, understand_image
from vosctl.media.broken_files import IMAGE_ERRORS, NPY_ERRORS
from vosctl.media.limits import check_size

# Pillow knows more, some of which it hands to other programs.
_IMAGE_FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")


@dataclass(frozen=True)
class Mask:
    """Object ids for the pixels of one frame."""

    path: Path
    labels: Labels
    """(H, W) uint8: 0 is background, 1..254 are objects."""
    object_ids: tuple[int, ...]
    """The ids that occur, ascending."""
    form: str
    """How the file was understood."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What the file calls the objects, by id."""

    def __str__(self) -> str:
        noun = "object" if len(self.object_ids) == 1 else "objects"
        ids = ", ".join(
            f"{one} ({self.names[one]})" if one in self.names else str(one) for one in self.object_ids
        )
        height, width = self.labels.shape
        return f"{self.path.name}: {self.form}, {noun} {ids}, {width}x{height}"


def read_mask(
    path: Path, size: tuple[int, int] | None = None, rotation: int = 0, invert: bool = False
) -> Mask:
    """Reads a mask and says in `form` how it was understood.

    Understood are palette images (ids are the indices), gray images with ids, gray images of 0 and 255
    (object 1), 1-bit images, colour images in the DAVIS palette or in a few other colours on black or
    transparent ground (numbered by first appearance), images whose alpha channel is the mask, 16-bit gray
    images and `.npy` label arrays. 255 beside other ids is void and becomes background.

    Args:
        path: the mask's file.
        size: (width, height) that the mask must have.
        rotation: degrees counter-clockwise by which the clip's pictures are turned to be upright. A mask of
            the stored pictures' size is turned likewise.
        invert: exchange object and background, of which there must be one each.

    Raises:
        MaskError: the file cannot be read, is not a label map, has another size, or holds no object or no
            background.
    """
    found = _understand(path, size, {}, rotation)
    if invert:
        labels, form = inverted(found.labels, path, found.form)
        found = Understood(labels, form, Meaning.IDS)
    object_ids = object_ids_in(found.labels)
    if not object_ids:
        raise MaskError(
            f"{path} ({found.form}) holds no object: all pixels are background; mark at least one object"
        )
    check_background(found, path)
    return Mask(path, found.labels, object_ids, found.form)


def inverted(labels: Labels, path: Path, form: str) -> tuple[Labels, str]:
    """The label map with object and background exchanged, and how it is then understood.

    Raises:
        MaskError: it has not two values, so that nobody knows which to exchange.
    """
    values = ids_in(labels)
    if len(values) != 2:
        raise MaskError(
            f"{path} ({form}) holds {len(values)} values, which cannot be inverted; --invert is for masks "
            "of one object and its background"
        )
    return (labels == values[0]).astype(np.uint8), f"{form}, inverted"


def fit(
    labels: Labels, form: str, path: Path, size: tuple[int, int] | None, rotation: int
) -> tuple[Labels, str]:
    """The label map as the clip's pictures are turned, and how it was understood.

    Raises:
        MaskError: it has another size than the clip, and than its stored pictures.
    """
    height, width = labels.shape
    if size is None or (width, height) == size:
        return labels, form
    if rotation % 180 == 0 or (height, width) != size:
        raise _size_error(path, (width, height), size)
    turned = np.ascontiguousarray(np.rot90(labels, rotation // 90))
    return turned, f"{form}, turned by {rotation} degrees counter-clockwise as the clip's pictures are"


def read_labels(path: Path, size: tuple[int, int] | None, colour_ids: ColourIds) -> tuple[Labels, str]:
    """Reads a mask that may be empty; returns labels (H, W) and the form.

    `colour_ids` maps packed colours (0xRRGGBB) to ids and is extended by the colours first seen here, so that
    the masks of one clip can share it.

    Raises:
        MaskError: as `read_mask`, but for the empty mask.
    """
    found = _understand(path, size, colour_ids)
    return found.labels, found.form


def _understand(
    path: Path, size: tuple[int, int] | None, colour_ids: ColourIds, rotation: int = 0
) -> Understood:
    if not path.exists():
        raise MaskError(f"{path} does not exist; give the file of a mask")
    if path.is_dir():
        raise MaskError(f"{path} is a folder; give the file of one mask")
    stored = (size[1], size[0]) if size and rotation % 180 else size
    if path.suffix.lower() == ".npy":
        array = _load_array(path, size, stored)
        found = understand_array(array, path)
    else:
        found = understand_image(_load_image(path, size, stored), path, colour_ids)
    labels, form = fit(found.labels, found.form, path, size, rotation)
    return replace(found, labels=labels, form=form)


def _size_error(path: Path, found: tuple[int, int], size: tuple[int, int]) -> MaskError:
    return MaskError(
        f"{path} is {found[0]}x{found[1]}, but the clip is {size[0]}x{size[1]}; "
        "give a mask of the clip's own size (enlarge or shrink it with nearest neighbour)"
    )


def _load_array(
    path: Path, size: tuple[int, int] | None, stored: tuple[int, int] | None
) -> NDArray[np.generic]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except NPY_ERRORS as error:
        raise MaskError(
            f"{path} cannot be read as a NumPy array: {error}; save it with numpy.save"
        ) from error
    if not isinstance(array, np.ndarray) or array.squeeze().ndim != 2 or array.dtype.kind not in "biu":
        found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "an archive"
        raise MaskError(f"{path} holds {found}; expected whole numbers or booleans (height, width)")
    height, width = [n for n in array.shape if n != 1] if array.ndim > 2 else array.shape
    check_size(path, width, height)
    if size is not None and (width, height) not in (size, stored):
        raise _size_error(path, (width, height), size)
    return array.reshape(height, width)


def _load_image(path: Path, size: tuple[int, int] | None, stored: tuple[int, int] | None) -> Image.Image:
    try:
        with Image.open(path, formats=_IMAGE_FORMATS) as image:
            # By the header alone: the pixels may be more than fit into memory.
            check_size(path, *image.size)
            if size is not None and sorted(image.size) != sorted(size):
                raise _size_error(path, image.size, size)
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
    except IMAGE_ERRORS as error:
        reason = "not an image that Pillow knows" if isinstance(error, UnidentifiedImageError) else error
        raise MaskError(f"{path} cannot be read: {reason}; give a PNG of labels") from error
    if size is not None and image.size not in (size, stored):
        raise _size_error(path, image.size, size)
    return image
