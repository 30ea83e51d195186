"""Many frames in one picture."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vosctl.masks.writer import LabelledFrame
from vosctl.media.drawing import draw_overlay
from vosctl.media.palette import PALETTE

COLUMNS = 6
MAX_FRAMES = 24
_TILE_WIDTH = 240  # pixels
_GAP = 4
_CAPTION = 14  # pixels under each frame


def spread(count: int) -> tuple[int, ...]:
    """The indexes of at most 24 of so many frames, evenly spread, the first and the last among them."""
    chosen = np.linspace(0, count - 1, min(count, MAX_FRAMES)).round().astype(int)
    return tuple(chosen.tolist())


def draw_frame(frame: LabelledFrame) -> NDArray[np.uint8]:
    """The frame (H, W, 3) with its masks drawn over it; masks alone where there is no picture."""
    if frame.rgb is None:
        return PALETTE[frame.labels]
    return draw_overlay(frame.rgb, frame.labels)


def contact_sheet(tiles: Iterable[tuple[str, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """A grid (H, W, 3) of captions and pictures (H, W, 3), at least one, all of one size."""
    small = [(caption, _shrunk(picture)) for caption, picture in tiles]
    width, height = small[0][1].size
    columns = min(len(small), COLUMNS)
    rows = -(-len(small) // columns)
    step_x, step_y = width + _GAP, height + _CAPTION + _GAP
    sheet = Image.new("RGB", (columns * step_x + _GAP, rows * step_y + _GAP), (32, 32, 32))
    draw = ImageDraw.Draw(sheet)
    for index, (caption, tile) in enumerate(small):
        x, y = _GAP + index % columns * step_x, _GAP + index // columns * step_y
        sheet.paste(tile, (x, y))
        draw.text((x, y + height + 1), caption, fill=(220, 220, 220))
    return np.asarray(sheet)


def _shrunk(picture: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(picture)
    if image.width <= _TILE_WIDTH:
        return image
    size = (_TILE_WIDTH, max(1, round(image.height * _TILE_WIDTH / image.width)))
    return image.resize(size, Image.Resampling.BOX)
