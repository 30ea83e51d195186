"""A target's figures as a PNG: bars of ours beside the paper's, or lines over a sweep."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from vosctl.files import atomic_path
from vosctl.reproduction.outcome import Outcome

OURS, PAPER = (43, 108, 176), (221, 132, 82)
_LINES = (OURS, PAPER, (56, 161, 105), (128, 90, 213), (197, 48, 48), (49, 151, 149), (113, 128, 150))
_INK, _GRID = (26, 32, 44), (226, 232, 240)
_BAR, _GAP, _NAMES, _WIDTH, _TOP = 16, 12, 230, 560, 50  # pixels
_PLOT = (720, 360)

Series = Mapping[str, Sequence[tuple[float, float]]]
"""Points (x, y) by the line's name."""


def draw_bars(outcome: Outcome) -> Image.Image | None:
    """Ours and the paper's figure of each row in the first column that both have; None without any."""
    column = next((name for name in outcome.columns if name in outcome.paper_columns), outcome.columns[0])
    rows = [(row.label, row.ours.get(column), row.paper.get(column)) for row in outcome.rows]
    rows = [row for row in rows if row[1] is not None or row[2] is not None]
    if not rows:
        return None
    highest = max(value for _, *values in rows for value in values if value is not None) or 1.0
    step = 2 * _BAR + _GAP
    picture = Image.new("RGB", (_NAMES + _WIDTH + 80, _TOP + step * len(rows) + 10), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    draw.text((8, 6), f"{outcome.title}: {column}", fill=_INK, font=ImageFont.load_default(16))
    for at, (name, colour) in enumerate((("ours", OURS), ("paper", PAPER))):
        draw.rectangle((_NAMES + 90 * at, 30, _NAMES + 90 * at + 12, 42), fill=colour)
        draw.text((_NAMES + 90 * at + 18, 28), name, fill=_INK, font=font)
    for index, (label, *values) in enumerate(rows):
        y = _TOP + index * step
        draw.text((_NAMES - 8, y + _BAR), label, fill=_INK, font=font, anchor="rm")
        for at, (value, colour) in enumerate(zip(values, (OURS, PAPER), strict=True)):
            if value is not None:
                right = _NAMES + round(_WIDTH * value / highest)
                draw.rectangle((_NAMES, y + at * _BAR, right, y + (at + 1) * _BAR - 2), fill=colour)
                place = right + 6, y + at * _BAR + _BAR // 2
                draw.text(place, f"{value:.1f}", fill=_INK, font=font, anchor="lm")
    return picture


def draw_lines(title: str, x_name: str, y_name: str, series: Series) -> Image.Image:
    """Lines over the values of one setting.

    Args:
        title: above the lines.
        x_name: what the points' x is.
        y_name: what their y is.
        series: at least one point.
    """
    points = [point for line in series.values() for point in line]
    xs = sorted({x for x, _ in points})
    low, high = min(y for _, y in points), max(y for _, y in points)
    margin = 0.1 * (high - low) or 1.0
    low, high = low - margin, high + margin
    width, height = _PLOT
    picture = Image.new("RGB", (width + 200, height + 100), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    draw.text((8, 6), title, fill=_INK, font=ImageFont.load_default(16))

    def place(x: float, y: float) -> tuple[float, float]:
        share = xs.index(x) / max(1, len(xs) - 1)
        return 70 + (width - 90) * share, _TOP + (height - 20) * (high - y) / (high - low)

    for tick in range(5):
        value = low + (high - low) * tick / 4
        _, y = place(xs[0], value)
        draw.line((70, y, width - 20, y), fill=_GRID)
        draw.text((62, y), f"{value:.3g}", fill=_INK, font=font, anchor="rm")
    for x in xs:
        draw.text((place(x, low)[0], _TOP + height - 10), f"{x:g}", fill=_INK, font=font, anchor="ma")
    draw.text((width / 2, _TOP + height + 14), x_name, fill=_INK, font=font, anchor="ma")
    draw.text((8, 28), y_name, fill=_INK, font=font)
    for index, (name, line) in enumerate(series.items()):
        colour = _LINES[index % len(_LINES)]
        ways = [place(*point) for point in sorted(line)]
        draw.line(ways, fill=colour, width=3)
        for x, y in ways:
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
        draw.text((width + 4, _TOP + 20 * index), name, fill=colour, font=font)
    return picture


def save(picture: Image.Image, path: Path) -> None:
    """Write a PNG, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_path(path) as temporary:
        picture.save(temporary, "PNG")
