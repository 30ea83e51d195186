"""Masks of objects, in all the forms that tools and people save them in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from vosctl.arrays import Labels
from vosctl.errors import MaskError
from vosctl.masks.palette import PALETTE
from vosctl.media.broken_files import IMAGE_ERRORS, NPY_ERRORS
from vosctl.media.limits import check_size

MAX_ID = 254
"""Largest object id; 255 is void ("do not care") in the DAVIS and VOC annotations."""
_VOID = 255

# More values than this are shades, not objects.
_MAX_VALUES = 100
# Fewer values than this that lie only along edges may be tiny objects.
_MIN_EDGE_VALUES = 3

_WHITE = (255, 255, 255)

# Pillow knows more, some of which it hands to other programs.
_IMAGE_FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")

ColourIds = dict[int, int]


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

    def __str__(self) -> str:
        noun = "object" if len(self.object_ids) == 1 else "objects"
        ids = ", ".join(map(str, self.object_ids))
        height, width = self.labels.shape
        return f"{self.path.name}: {self.form}, {noun} {ids}, {width}x{height}"


def read_mask(path: Path, size: tuple[int, int] | None = None) -> Mask:
    """Reads a mask and says in `form` how it was understood.

    Understood are palette images (ids are the indices), gray images with ids, gray images of 0 and 255
    (object 1), 1-bit images, colour images in the DAVIS palette or in a few other colours on black or
    transparent ground (numbered by first appearance), images whose alpha channel is the mask, 16-bit gray
    images and `.npy` label arrays. 255 beside other ids is void and becomes background.

    Args:
        path: the mask's file.
        size: (width, height) that the mask must have.

    Raises:
        MaskError: the file cannot be read, is not a label map, has another size, or holds no object.
    """
    labels, form = read_labels(path, size, {})
    object_ids = tuple(int(i) for i in np.unique(labels) if i)
    if not object_ids:
        raise MaskError(
            f"{path} ({form}) holds no object: all pixels are background; mark at least one object"
        )
    return Mask(path, labels, object_ids, form)


def read_labels(path: Path, size: tuple[int, int] | None, colour_ids: ColourIds) -> tuple[Labels, str]:
    """Reads a mask that may be empty; returns labels (H, W) and the form.

    `colour_ids` maps packed colours (0xRRGGBB) to ids and is extended by the colours first seen here, so that
    the masks of one clip can share it.

    Raises:
        MaskError: as `read_mask`, but for the empty mask.
    """
    if not path.exists():
        raise MaskError(f"{path} does not exist; give the file of a mask")
    if path.is_dir():
        raise MaskError(f"{path} is a folder; give the file of one mask")
    if path.suffix.lower() == ".npy":
        return _from_array(_load_array(path, size), path)
    return _from_image(_load_image(path, size), path, colour_ids)


def _size_error(path: Path, found: tuple[int, int], size: tuple[int, int]) -> MaskError:
    return MaskError(
        f"{path} is {found[0]}x{found[1]}, but the clip is {size[0]}x{size[1]}; "
        "give a mask of the clip's own size (enlarge or shrink it with nearest neighbour)"
    )


def _load_array(path: Path, size: tuple[int, int] | None) -> NDArray[np.generic]:
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
    if size is not None and (width, height) != size:
        raise _size_error(path, (width, height), size)
    return array.reshape(height, width)


def _load_image(path: Path, size: tuple[int, int] | None) -> Image.Image:
    try:
        with Image.open(path, formats=_IMAGE_FORMATS) as image:
            # By the header alone: the pixels may be more than fit into memory.
            check_size(path, *image.size)
            if size is not None and sorted(image.size) != sorted(size):
                raise _size_error(path, image.size, size)
            upright = ImageOps.exif_transpose(image)
    except IMAGE_ERRORS as error:
        reason = "not an image that Pillow knows" if isinstance(error, UnidentifiedImageError) else error
        raise MaskError(f"{path} cannot be read: {reason}; give a PNG of labels") from error
    if size is not None and upright.size != size:
        raise _size_error(path, upright.size, size)
    return upright


def _from_array(array: NDArray[np.generic], path: Path) -> tuple[Labels, str]:
    if array.dtype.kind == "b":
        return array.astype(np.uint8), "NumPy booleans"
    return _from_gray(array.astype(np.int64), path, "NumPy labels")


def _from_image(image: Image.Image, path: Path, colour_ids: ColourIds) -> tuple[Labels, str]:
    read: dict[str, Callable[[], tuple[Labels, str]]] = {
        "1": lambda: (np.asarray(image).astype(np.uint8), "1-bit"),
        "P": lambda: _from_palette(image, path),
        "L": lambda: _from_gray(np.asarray(image), path, "gray"),
        "RGB": lambda: _from_colours(np.asarray(image.convert("RGBA")), path, colour_ids),
        "RGBA": lambda: _from_colours(np.asarray(image), path, colour_ids),
    }
    if image.mode in read:
        return read[image.mode]()
    if image.mode.startswith("I"):
        return _from_gray(np.asarray(image).astype(np.int64), path, "16-bit gray")
    if image.mode == "F":
        raise MaskError(f"{path} holds fractions; expected whole numbers (ids); save it as an 8-bit PNG")
    return _from_colours(np.asarray(image.convert("RGBA")), path, colour_ids)  # LA, PA, CMYK, YCbCr, ...


def _from_palette(image: Image.Image, path: Path) -> tuple[Labels, str]:
    labels = np.asarray(image)
    colours = np.frombuffer(bytes(image.getpalette("RGB") or []), np.uint8).reshape(-1, 3)
    if len(colours) > _VOID and tuple(colours[_VOID].tolist()) == _WHITE:
        return _from_gray(labels, path, "gray in a palette")  # its indices are brightness
    used = np.unique(labels)
    is_davis = len(colours) > used[-1] and np.array_equal(colours[used], PALETTE[used])
    if not is_davis:  # else it was written as a label map, whatever its values look like
        _refuse_shades(labels, path)
    return _without_void(labels, "palette")


def _without_void(labels: Labels, form: str) -> tuple[Labels, str]:
    is_void = labels == _VOID
    if not is_void.any():
        return labels.copy(), form
    return np.where(is_void, np.uint8(0), labels), f"{form}, 255 read as void (background)"


def _from_gray(values: NDArray[np.integer], path: Path, form: str) -> tuple[Labels, str]:
    """Whole numbers (H, W): one bright value is a binary mask, others are ids."""
    used = np.unique(values)
    objects = used[used != 0].tolist()
    if objects in ([255], [65535]):
        return (values != 0).astype(np.uint8), f"{form} 0/{objects[0]}"
    _refuse_shades(values, path)
    if used[0] < 0 or used[-1] > _VOID:
        wrong = used[0] if used[0] < 0 else used[-1]
        raise MaskError(f"{path} holds the value {wrong}; ids must lie in 1..{MAX_ID}; renumber the objects")
    return _without_void(values.astype(np.uint8), f"{form} ids")


def _from_colours(rgba: NDArray[np.uint8], path: Path, colour_ids: ColourIds) -> tuple[Labels, str]:
    """(H, W, 4): the alpha channel if it is the mask, else the colours other than black and transparent."""
    alpha = rgba[..., 3]
    red, green, blue = (rgba[..., channel].astype(np.int64) for channel in range(3))
    packed = red << 16 | green << 8 | blue
    alphas = np.unique(alpha)
    if len(alphas) > 2:
        raise _shades_error(path, len(alphas), "transparencies")
    is_opaque = alpha == alphas[-1] if alphas[-1] else np.zeros(alpha.shape, bool)
    has_ground = len(alphas) == 2 and alphas[0] == 0
    colours = np.unique(packed[is_opaque])
    if has_ground and (len(colours) > _MAX_VALUES or colours.tolist() == [0]):
        return is_opaque.astype(np.uint8), "alpha channel"
    packed = np.where(is_opaque, packed, 0)
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return _from_gray(packed & 0xFF, path, "gray saved as colour")
    used = np.unique(packed)
    palette = (PALETTE.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])).tolist()
    if set(used.tolist()) <= set(palette):
        ids = np.array([palette.index(colour) for colour in used], np.uint8)
        labels: Labels = ids[np.searchsorted(used, packed)]
        return _without_void(labels, "colours of the DAVIS palette")
    return _number_colours(packed, used, path, colour_ids)


def _number_colours(
    packed: NDArray[np.int64], used: NDArray[np.int64], path: Path, colour_ids: ColourIds
) -> tuple[Labels, str]:
    _refuse_shades(packed, path)
    if used[0] != 0:
        raise MaskError(
            f"{path} has {len(used)} colours and no background; expected black or transparent pixels around "
            "the objects"
        )
    _, first = np.unique(packed, return_index=True)
    for colour in used[np.argsort(first)].tolist():
        if colour and colour not in colour_ids:
            colour_ids[colour] = len(colour_ids) + 1
    ids = np.array([colour_ids.get(colour, 0) for colour in used.tolist()], np.uint8)
    objects = sorted(used[1:].tolist(), key=colour_ids.__getitem__)
    numbering = ", ".join(f"#{colour:06x} = {colour_ids[colour]}" for colour in objects)
    return ids[np.searchsorted(used, packed)], f"colours numbered by first appearance ({numbering})"


def _shades_error(path: Path, count: int, what: str) -> MaskError:
    return MaskError(
        f"{path} has {count} different {what}, many of them shades along edges; expected one flat value per "
        "object; save it without antialiasing (nearest neighbour) as PNG, not JPEG"
    )


def _refuse_shades(values: NDArray[np.integer], path: Path) -> None:
    """Raises if the values (H, W) are those of an antialiased, blurred or JPEG-compressed mask.

    The pixels of an object form areas; those of a shade lie on lines a pixel wide, hardly ever in a 2x2 block
    of the same value, and beside other values than background. A few tiny objects that touch others look the
    same: they pass if the ids are dense (1, 2, 3, ...).
    """
    used, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    objects = used != 0
    if objects.sum() > _MAX_VALUES:
        raise _shades_error(path, len(used), "values")
    index = inverse.reshape(values.shape)
    corner = index[:-1, :-1]
    is_block = (corner == index[1:, :-1]) & (corner == index[:-1, 1:]) & (corner == index[1:, 1:])
    blocks = np.bincount(corner[is_block], minlength=len(used))
    is_edge = objects & (blocks * 4 < counts)
    if is_edge.sum() < _MIN_EDGE_VALUES:
        return
    touching = np.bincount(index[_touches_another(values)], minlength=len(used))
    is_shade = is_edge & (touching * 2 > counts)
    is_sparse = used[-1] > 1.5 * objects.sum()
    if is_shade.sum() >= _MIN_EDGE_VALUES and is_sparse:
        raise _shades_error(path, len(used), "values")


def _touches_another(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """The pixels (H, W) with one of their eight neighbours neither background nor of their own value."""
    height, width = values.shape
    padded = np.pad(values, 1)
    touches = np.zeros(values.shape, bool)
    for dy in range(3):
        for dx in range(3):
            neighbour = padded[dy : dy + height, dx : dx + width]
            touches |= (neighbour != values) & (neighbour != 0)
    return touches
