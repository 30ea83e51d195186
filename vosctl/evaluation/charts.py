"""The report's charts, as SVG text that stands in the page itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from vosctl.media.frame_folder import natural_key

_BAR_HEIGHT, _BAR_GAP, _NAME_WIDTH, _BAR_WIDTH = 12, 8, 170, 440
_LINES_WIDTH, _LINES_HEIGHT, _LEFT, _BOTTOM = 460, 130, 30, 18
_COLOURS = {"J": "#2b6cb0", "F": "#dd8452"}


@dataclass(frozen=True)
class Line:
    """One object's values over time."""

    label: str
    colour: str
    """As CSS writes it."""
    frames: tuple[str, ...]
    """The frames' stems."""
    values: tuple[float, ...]
    """In [0, 1], one a frame."""


def bar_chart(rows: Sequence[tuple[str, float, float]]) -> str:
    """J and F of each sequence (name, J, F) as a pair of bars from 0 to 1."""
    step = 2 * _BAR_HEIGHT + _BAR_GAP
    width, height = _NAME_WIDTH + _BAR_WIDTH + 50, step * len(rows) + 22
    parts = [_open_svg(width, height, "J and F of each sequence")]
    for tick in range(0, 11, 2):
        x = _NAME_WIDTH + _BAR_WIDTH * tick / 10
        parts.append(f'<line x1="{x:g}" x2="{x:g}" y1="0" y2="{height - 18}" class="grid"/>')
        parts.append(f'<text x="{x:g}" y="{height - 5}" text-anchor="middle">{tick / 10:g}</text>')
    for index, (name, j, f) in enumerate(rows):
        top = index * step + _BAR_GAP / 2
        middle = f'x="{_NAME_WIDTH - 8}" y="{top + _BAR_HEIGHT + 4:g}" text-anchor="end"'
        parts.append(f"<text {middle}>{escape(name)}</text>")
        for at, (measure, value) in enumerate((("J", j), ("F", f))):
            y = top + at * _BAR_HEIGHT
            end = f'x="{_NAME_WIDTH + value * _BAR_WIDTH + 4:.1f}" y="{y + 10:g}"'
            parts.append(
                f'<rect x="{_NAME_WIDTH}" y="{y:g}" width="{value * _BAR_WIDTH:.1f}" height="{_BAR_HEIGHT}" '
                f'fill="{_COLOURS[measure]}"><title>{escape(name)}: {measure} {value:.3f}</title></rect>'
                f"<text {end}>{value:.3f}</text>"
            )
    parts.append("</svg>")
    swatches = (f'<i style="background:{colour}"></i>{name}' for name, colour in _COLOURS.items())
    return f'<p class="legend">{" ".join(swatches)}</p>' + "".join(parts)


def line_chart(title: str, lines: Sequence[Line]) -> str:
    """Values over the frames that count, a line an object; the frames of all lines share the axis."""
    stems = sorted({stem for line in lines for stem in line.frames}, key=natural_key)
    place = {stem: _LEFT + _LINES_WIDTH * at / max(len(stems) - 1, 1) for at, stem in enumerate(stems)}
    width, height = _LEFT + _LINES_WIDTH + 10, _LINES_HEIGHT + _BOTTOM + 10
    parts = [_open_svg(width, height, title)]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _height_of(tick)
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + _LINES_WIDTH}" y1="{y:g}" y2="{y:g}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 4}" y="{y + 4:g}" text-anchor="end">{tick:g}</text>')
    for stem, anchor in ((stems[0], "start"), (stems[-1], "end")):
        parts.append(
            f'<text x="{place[stem]:g}" y="{height - 4}" text-anchor="{anchor}">{escape(stem)}</text>'
        )
    parts.append(f'<text x="{_LEFT + 4}" y="{_height_of(0) - 5:g}" class="title">{escape(title)}</text>')
    for line in lines:
        points = " ".join(
            f"{place[stem]:.1f},{_height_of(value):.1f}"
            for stem, value in zip(line.frames, line.values, strict=True)
        )
        points = points if len(line.values) > 1 else f"{points} {points}"
        mean = sum(line.values) / len(line.values)
        # The cap makes a line of a single frame visible, as a dot.
        parts.append(
            f'<polyline points="{points}" stroke="{line.colour}" stroke-linecap="round">'
            f"<title>{escape(line.label)}: mean {mean:.3f}</title></polyline>"
        )
    parts.append("</svg>")
    return "".join(parts)


def _height_of(value: float) -> float:
    return 5 + _LINES_HEIGHT * (1 - value)


def _open_svg(width: float, height: float, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" aria-label="{escape(label)}">'
    )
