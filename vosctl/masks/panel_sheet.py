"""A sheet of pictures in rows, each below its caption."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vosctl.arrays import Image as Picture

_PANEL = 320  # pixels, a panel's width
_GAP, _CAPTION = 6, 22  # pixels
_INK, _GROUND = (230, 230, 230), (32, 32, 32)

Panel = tuple[str, Picture]
"""A caption and a picture."""


def panel_sheet(rows: Sequence[Sequence[Panel]], shape: Sequence[int]) -> Picture:
    """The sheet (H', W', 3) of rows of panels, each with the proportions of a frame.

    Args:
        rows: of any lengths, with pictures of any size.
        shape: (H, W, ...) of the frame.
    """
    height = max(1, round(shape[0] * _PANEL / shape[1]))
    step_x, step_y = _PANEL + _GAP, height + _CAPTION + _GAP
    columns = max(map(len, rows), default=1)
    sheet = Image.new("RGB", (columns * step_x + _GAP, max(1, len(rows)) * step_y + _GAP), _GROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, panels in enumerate(rows):
        for column, (caption, picture) in enumerate(panels):
            x, y = _GAP + column * step_x, _GAP + row * step_y
            draw.text((x + 2, y + 2), caption, fill=_INK, font=font)
            tile = Image.fromarray(picture).resize((_PANEL, height), Image.Resampling.BILINEAR)
            sheet.paste(tile, (x, y + _CAPTION))
    return np.asarray(sheet)
