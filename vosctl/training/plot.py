"""A run's curves as a picture, drawn with Pillow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from vosctl.media.files import atomic_path

_SIZE = (960, 540)
_MARGIN = (64, 40, 64, 48)  # left, top, right, bottom
_INK, _GRID = (40, 40, 40), (225, 225, 225)
_LOSS, _VALIDATION = (31, 119, 180), (214, 39, 40)

Point = tuple[float, float]


def plot_log(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the loss (left scale) and the validation score (right scale) over the steps.

    Args:
        lines: of the log.
        path: of the PNG.

    Raises:
        OutputError: it cannot be written.
    """
    losses = _smooth([(line["step"], line["loss"]) for line in lines if "loss" in line])
    scores = [(line["step"], line["validation"]) for line in lines if "validation" in line]
    image = Image.new("RGB", _SIZE, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(14)
    last = max((step for step, _ in [*losses, *scores]), default=1.0)
    left, top, right, bottom = _MARGIN
    box = (left, top, _SIZE[0] - right, _SIZE[1] - bottom)
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = box[0] + share * (box[2] - box[0])
        y = box[3] - share * (box[3] - box[1])
        draw.line([(x, box[1]), (x, box[3])], fill=_GRID)
        draw.line([(box[0], y), (box[2], y)], fill=_GRID)
        draw.text((x, box[3] + 8), f"{share * last:.0f}", fill=_INK, font=font, anchor="mt")
    draw.text((box[2], box[3] + 28), "step", fill=_INK, font=font, anchor="rt")
    curves = (
        (losses, _LOSS, "loss", box[0] - 6, "rm"),
        (scores, _VALIDATION, "score", box[2] + 6, "lm"),
    )
    for curve, colour, name, x, anchor in curves:
        if not curve:
            continue
        low, high = min(v for _, v in curve), max(v for _, v in curve)
        if high == low:
            low, high = low - 0.5, high + 0.5
        points = [
            (
                box[0] + step / last * (box[2] - box[0]),
                box[3] - (value - low) / (high - low) * (box[3] - box[1]),
            )
            for step, value in curve
        ]
        draw.line(points, fill=colour, width=2)
        for point in points if colour == _VALIDATION else []:
            draw.ellipse([point[0] - 3, point[1] - 3, point[0] + 3, point[1] + 3], fill=colour)
        for share in (0, 0.25, 0.5, 0.75, 1):
            y = box[3] - share * (box[3] - box[1])
            draw.text((x, y), f"{low + share * (high - low):.3g}", fill=colour, font=font, anchor=anchor)
        side = "l" if anchor == "rm" else "r"
        text = f"{name}, last {curve[-1][1]:.3g}"
        draw.text((box[0] if side == "l" else box[2], 12), text, fill=colour, font=font, anchor=f"{side}t")
    with atomic_path(path) as temporary:
        image.save(temporary)


def _smooth(points: Sequence[Point], most: int = 200) -> list[Point]:
    """At most so many points, each the mean of its neighbours: single batches say little."""
    width = max(1, -(-len(points) // most))
    groups = [points[i : i + width] for i in range(0, len(points), width)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]
