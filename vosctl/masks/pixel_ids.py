"""Which object each pixel of a mask means, by the kind of image that it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vosctl.arrays import MAX_ID, VOID, Labels
from vosctl.errors import MaskError
from vosctl.masks.distinct import (
    Indexed,
    TooManyValuesError,
    index_values,
    rows_of_array,
    rows_of_image,
    strips,
)
from vosctl.masks.shades import refuse_shades, shades_error
from vosctl.media.palette import PALETTE

ColourIds = dict[int, int]
"""Object ids by colour (0xRRGGBB). The masks of one clip share one, so that a colour keeps its id."""


_MANY_COLOURS = 100  # more than these are a picture that its alpha channel cuts out


class Meaning(Enum):
    """What tells the objects from the background."""

    IDS = auto()
    """A palette that was made for ids: background is what has the id 0, even if no pixel has it."""
    NUMBERS = auto()
    """Numbers alone, which may be ids, or brightness that was meant to be something else."""
    MARKS = auto()
    """Two colours or more, or transparency: drawn by somebody."""


@dataclass(frozen=True)
class Understood:
    """A mask, and how it was understood."""

    labels: Labels
    form: str
    """The same in words."""
    meaning: Meaning
    values: tuple[int, ...] = ()
    """The values that the image had, ascending, where it is gray."""


def understand_array(array: NDArray[np.generic], path: Path) -> Understood:
    """Understand whole numbers or booleans (H, W).

    Raises:
        MaskError: the values are no ids.
    """
    image = _indexed(path, lambda: index_values(rows_of_array(array), *array.shape))
    if array.dtype.kind == "b":
        return _numbers(image, image.values, "NumPy booleans")
    return _from_gray(image, path, "NumPy labels")


def understand_image(image: Image.Image, path: Path, colour_ids: ColourIds) -> Understood:
    """Understand an image.

    Args:
        image: upright.
        path: its file, for messages.
        colour_ids: see `ColourIds`; it is extended by the colours first seen here.

    Raises:
        MaskError: the pixels are no ids.
    """
    if image.mode == "P":
        return _from_palette(image, path, colour_ids)
    if image.mode == "F":
        values = np.asarray(image)
        if values.any() and (values == np.rint(values)).all() and (abs(values) < 1 << 31).all():
            return understand_array(values.astype(np.int32), path)
        raise MaskError(f"{path} holds fractions; expected whole numbers (ids); save it as an 8-bit PNG")
    if image.mode in ("1", "L") or image.mode.startswith("I"):
        rows = rows_of_image(image)
        indexed = _indexed(path, lambda: index_values(rows, image.height, image.width))
        if image.mode == "1":
            return replace(_numbers(indexed, indexed.values != 0, "1-bit"), meaning=Meaning.MARKS)
        return _from_gray(indexed, path, "gray" if image.mode == "L" else "16-bit gray")
    return _from_colours(image, path, colour_ids)


def _indexed(path: Path, index: Callable[[], Indexed]) -> Indexed:
    try:
        return index()
    except TooManyValuesError as error:
        raise shades_error(path, error.count, "values") from error


def _numbers(image: Indexed, ids: NDArray[np.generic], form: str) -> Understood:
    labels = image.as_labels(ids.astype(np.int64))
    return Understood(labels, form, Meaning.NUMBERS, tuple(image.values.tolist()))


def _from_palette(image: Image.Image, path: Path, colour_ids: ColourIds) -> Understood:
    """Indices are ids, unless the colours say that a program has sorted the palette."""
    rows = rows_of_image(image)
    indexed = _indexed(path, lambda: index_values(rows, image.height, image.width))
    used = indexed.values
    colours = _palette_of(image)
    if used[-1] >= len(colours):  # some entries are missing: nobody can have chosen their colours
        refuse_shades(indexed, path)
        return replace(_from_ids(indexed, "palette"), meaning=Meaning.NUMBERS)
    shown = colours[used]
    if (shown[:, :3] == used[:, None]).all():
        return _from_gray(indexed, path, "gray in a palette")  # its indices are brightness
    if np.array_equal(shown[:, :3], PALETTE[used]):
        return _from_ids(indexed, "palette")  # it was written as a label map, whatever its values look like
    ground = _ground_of(shown, used)
    if 0 in ground and not _is_sorted_davis(shown):
        refuse_shades(indexed, path)
        found = _from_ids(indexed, "palette")
        is_drawn = {tuple(c) for c in shown[:, :3].tolist()} == {(0, 0, 0), (255, 255, 255)}
        return replace(found, meaning=Meaning.MARKS) if is_drawn else found
    if len(ground) != 1:
        what = f"{len(ground)} black or transparent entries" if ground else "no black or transparent entry"
        raise MaskError(
            f"{path} has a palette with {what} among the {len(used)} that are used, so that the background "
            "cannot be told; make exactly the background black, or save the ids in the DAVIS palette"
        )
    found = _from_colours(image, path, colour_ids)
    form = f"palette with the background at index {ground[0]}, {found.form}"
    return replace(found, form=form)


def _palette_of(image: Image.Image) -> NDArray[np.int64]:
    """The palette's entries (N, 4) as RGBA."""
    colours = np.array(image.getpalette("RGB") or [], np.int64).reshape(-1, 3)
    clear = image.info.get("transparency", b"")  # an index, or the opacity of the first entries
    alphas = np.full(len(colours), 255, np.int64)
    if isinstance(clear, int):
        alphas[clear : clear + 1] = 0
    else:
        given = np.frombuffer(clear, np.uint8)[: len(colours)]
        alphas[: len(given)] = given
    return np.concatenate([colours, alphas[:, None]], axis=1)


def _ground_of(shown: NDArray[np.int64], used: NDArray[np.int64]) -> list[int]:
    """The used indices whose colour (N, 4) is transparent or, where none is, black."""
    is_clear = shown[:, 3] == 0
    is_black = (shown[:, :3] == 0).all(axis=1)
    if is_clear.any() and (is_black & ~is_clear).any():
        return [int(i) for i in used[is_clear | is_black]]  # either may be meant
    return [int(i) for i in used[is_clear if is_clear.any() else is_black]]


def _is_sorted_davis(shown: NDArray[np.int64]) -> bool:
    """Whether the colours (N, 4) are those of the DAVIS palette, each once, though at other indices."""
    colours = [tuple(colour) for colour in shown[:, :3].tolist()]
    davis = {tuple(colour) for colour in PALETTE.tolist()}
    return len(set(colours)) == len(colours) and set(colours) <= davis


def _from_ids(image: Indexed, form: str) -> Understood:
    found = _without_void(image, image.values, form)
    return replace(found, meaning=Meaning.IDS)


def _without_void(image: Indexed, ids: NDArray[np.int64], form: str) -> Understood:
    if (ids == VOID).any():
        ids = np.where(ids == VOID, 0, ids)
        form = f"{form}, 255 read as void (background)"
    return _numbers(image, ids, form)


def _from_gray(image: Indexed, path: Path, form: str) -> Understood:
    """One bright value is a binary mask, others are ids."""
    used = image.values
    objects = used[used != 0].tolist()
    if objects in ([255], [65535]):
        return replace(_numbers(image, used != 0, f"{form} 0/{objects[0]}"), meaning=Meaning.MARKS)
    refuse_shades(image, path)
    if used[0] < 0 or used[-1] > VOID:
        wrong = used[0] if used[0] < 0 else used[-1]
        raise MaskError(f"{path} holds the value {wrong}; ids must lie in 1..{MAX_ID}; renumber the objects")
    return _without_void(image, used, f"{form} ids")


def _from_colours(image: Image.Image, path: Path, colour_ids: ColourIds) -> Understood:
    """The alpha channel if it is the mask, else the colours other than black and transparent."""

    def rgba(top: int, bottom: int) -> NDArray[np.uint8]:
        return np.asarray(image.crop((0, top, image.width, bottom)).convert("RGBA"))

    counts = np.zeros(256, np.int64)
    for strip in strips(image.height, image.width):
        counts += np.bincount(rgba(*strip)[..., 3].ravel(), minlength=256)
    alphas = np.flatnonzero(counts)
    if len(alphas) > 2:
        raise shades_error(path, len(alphas), "transparencies")
    has_ground = len(alphas) == 2 and alphas[0] == 0

    def packed(top: int, bottom: int) -> NDArray[np.uint32]:
        pixels = rgba(top, bottom).astype(np.uint32)
        red, green, blue, alpha = (pixels[..., channel] for channel in range(4))
        is_opaque = (alpha == alphas[-1]) & (alphas[-1] > 0)
        return np.where(is_opaque, red << 16 | green << 8 | blue, np.uint32(0))

    def alpha_alone() -> Understood:
        found = index_values(lambda *strip: rgba(*strip)[..., 3], image.height, image.width)
        return Understood(found.as_labels(found.values != 0), "alpha channel", Meaning.MARKS)

    try:
        indexed = index_values(packed, image.height, image.width)
    except TooManyValuesError as error:
        if has_ground:
            return alpha_alone()
        raise shades_error(path, error.count, "values") from error
    if has_ground and (len(indexed.values) > _MANY_COLOURS or indexed.values.tolist() == [0]):
        return alpha_alone()
    return _colours_to_ids(indexed, path, colour_ids)


def _colours_to_ids(image: Indexed, path: Path, colour_ids: ColourIds) -> Understood:
    used = image.values
    if ((used >> 16 == used & 0xFF) & (used >> 8 & 0xFF == used & 0xFF)).all():
        return _from_gray(Indexed(image.index, used & 0xFF), path, "gray saved as colour")
    davis = (PALETTE.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])).tolist()
    if set(used.tolist()) <= set(davis):
        ids = np.array([davis.index(colour) for colour in used.tolist()])
        return replace(_without_void(image, ids, "colours of the DAVIS palette"), meaning=Meaning.IDS)
    return _number_colours(image, path, colour_ids)


def _number_colours(image: Indexed, path: Path, colour_ids: ColourIds) -> Understood:
    refuse_shades(image, path)
    used = image.values.tolist()
    if used[0] != 0:
        raise MaskError(
            f"{path} has {len(used)} colours and no background; expected black or transparent pixels around "
            "the objects"
        )
    for position in _by_first_appearance(image):
        if used[position] and used[position] not in colour_ids:
            colour_ids[used[position]] = len(colour_ids) + 1
    if len(colour_ids) > MAX_ID:
        raise MaskError(f"{path}: the masks have {len(colour_ids)} colours; there may be {MAX_ID} objects")
    ids = np.array([colour_ids.get(colour, 0) for colour in used])
    objects = sorted(used[1:], key=colour_ids.__getitem__)
    numbering = ", ".join(f"#{colour:06x} = {colour_ids[colour]}" for colour in objects)
    form = f"colours numbered by first appearance ({numbering})"
    return Understood(image.as_labels(ids), form, Meaning.MARKS)


def _by_first_appearance(image: Indexed) -> list[int]:
    """The positions of the values in the order in which they appear, row by row."""
    found: dict[int, None] = {}
    for top, bottom in strips(*image.index.shape):
        values, first = np.unique(image.index[top:bottom], return_index=True)
        found.update(dict.fromkeys(values[np.argsort(first)].tolist()))
    return list(found)
