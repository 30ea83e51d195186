"""Which object each pixel of a mask means, by the kind of image that it is."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vosctl.arrays import MAX_ID, VOID, Labels
from vosctl.errors import MaskError
from vosctl.masks.palette import PALETTE
from vosctl.masks.shades import MAX_VALUES, refuse_shades, shades_error

ColourIds = dict[int, int]
"""Object ids by colour (0xRRGGBB). The masks of one clip share one, so that a colour keeps its id."""

_WHITE = (255, 255, 255)


def labels_of_array(array: NDArray[np.generic], path: Path) -> tuple[Labels, str]:
    """The label map (H, W) of whole numbers or booleans (H, W), and how it was understood.

    Raises:
        MaskError: the values are no ids.
    """
    if array.dtype.kind == "b":
        return array.astype(np.uint8), "NumPy booleans"
    return _from_gray(array.astype(np.int64), path, "NumPy labels")


def labels_of_image(image: Image.Image, path: Path, colour_ids: ColourIds) -> tuple[Labels, str]:
    """The label map (H, W) of an image, and how it was understood.

    Args:
        image: upright.
        path: its file, for messages.
        colour_ids: see `ColourIds`; it is extended by the colours first seen here.

    Raises:
        MaskError: the pixels are no ids.
    """
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
    if len(colours) > VOID and tuple(colours[VOID].tolist()) == _WHITE:
        return _from_gray(labels, path, "gray in a palette")  # its indices are brightness
    used = np.unique(labels)
    is_davis = len(colours) > used[-1] and np.array_equal(colours[used], PALETTE[used])
    if not is_davis:  # else it was written as a label map, whatever its values look like
        refuse_shades(labels, path)
    return _without_void(labels, "palette")


def _without_void(labels: Labels, form: str) -> tuple[Labels, str]:
    is_void = labels == VOID
    if not is_void.any():
        return labels.copy(), form
    return np.where(is_void, np.uint8(0), labels), f"{form}, 255 read as void (background)"


def _from_gray(values: NDArray[np.integer], path: Path, form: str) -> tuple[Labels, str]:
    """Whole numbers (H, W): one bright value is a binary mask, others are ids."""
    used = np.unique(values)
    objects = used[used != 0].tolist()
    if objects in ([255], [65535]):
        return (values != 0).astype(np.uint8), f"{form} 0/{objects[0]}"
    refuse_shades(values, path)
    if used[0] < 0 or used[-1] > VOID:
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
        raise shades_error(path, len(alphas), "transparencies")
    is_opaque = alpha == alphas[-1] if alphas[-1] else np.zeros(alpha.shape, bool)
    has_ground = len(alphas) == 2 and alphas[0] == 0
    colours = np.unique(packed[is_opaque])
    if has_ground and (len(colours) > MAX_VALUES or colours.tolist() == [0]):
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
    refuse_shades(packed, path)
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
