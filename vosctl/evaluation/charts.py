"""The two charts of a benchmark's report: bars for sequences, lines for frames."""

from collections.abc import Sequence
from dataclasses import dataclass

from vosctl.charts import Canvas
from vosctl.media.frame_folder import natural_key

COLOURS = {"J": "#2b6cb0", "F": "#dd8452"}
"""The colours of the bars, as CSS writes them."""

_BAR_HEIGHT, _BAR_GAP, _NAME_WIDTH, _BAR_WIDTH = 12, 8, 170, 440
_LINES_WIDTH, _LINES_HEIGHT, _LEFT, _BOTTOM = 460, 130, 30, 18


@dataclass(frozen=True)
class Line:
    """One object's values over time."""

    label: str
    colour: str
    """The line's colour, as CSS writes it."""
    frames: tuple[str, ...]
    """The frames' stems."""
    values: tuple[float, ...]
    """One value in [0, 1] for each frame."""


def bar_chart(rows: Sequence[tuple[str, float, float]]) -> str:
    """J and F of each sequence (name, J, F) as a pair of bars from 0 to 1, in an SVG element."""
    step = 2 * _BAR_HEIGHT + _BAR_GAP
    width, height = _NAME_WIDTH + _BAR_WIDTH + 50, step * len(rows) + 22
    canvas = Canvas(width, height, "J and F of each sequence")
    for tick in range(0, 11, 2):
        x = _NAME_WIDTH + _BAR_WIDTH * tick / 10
        canvas.grid_line((x, 0), (x, height - 18))
        canvas.text((x, height - 5), f"{tick / 10:g}", "middle")
    for index, (name, j, f) in enumerate(rows):
        top = index * step + _BAR_GAP / 2
        canvas.text((_NAME_WIDTH - 8, top + _BAR_HEIGHT + 4), name, "end")
        for at, (measure, value) in enumerate((("J", j), ("F", f))):
            y, length = top + at * _BAR_HEIGHT, value * _BAR_WIDTH
            hint = f"{name}: {measure} {value:.3f}"
            canvas.bar((_NAME_WIDTH, y), (length, _BAR_HEIGHT), COLOURS[measure], hint)
            canvas.text((_NAME_WIDTH + length + 4, y + 10), f"{value:.3f}")
    return canvas.element()


def line_chart(title: str, lines: Sequence[Line]) -> str:
    """Values over the frames that count, one line for each object, in an SVG element.

    The frames of all lines share the axis.
    """
    stems = sorted({stem for line in lines for stem in line.frames}, key=natural_key)
    place = {stem: _LEFT + _LINES_WIDTH * at / max(len(stems) - 1, 1) for at, stem in enumerate(stems)}
    width, height = _LEFT + _LINES_WIDTH + 10, _LINES_HEIGHT + _BOTTOM + 10
    canvas = Canvas(width, height, title)
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _height_of(tick)
        canvas.grid_line((_LEFT, y), (_LEFT + _LINES_WIDTH, y))
        canvas.text((_LEFT - 4, y + 4), f"{tick:g}", "end")
    for stem, anchor in ((stems[0], "start"), (stems[-1], "end")):
        canvas.text((place[stem], height - 4), stem, anchor)
    canvas.text((_LEFT + 4, _height_of(0) - 5), title, title=True)
    for line in lines:
        pairs = zip(line.frames, line.values, strict=True)
        mean = sum(line.values) / len(line.values)
        points = [(place[stem], _height_of(value)) for stem, value in pairs]
        canvas.curve(points, line.colour, f"{line.label}: mean {mean:.3f}")
    return canvas.element()


def _height_of(value: float) -> float:
    return 5 + _LINES_HEIGHT * (1 - value)
