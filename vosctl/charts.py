"""The one way to draw a chart: shapes and text on an SVG canvas, in pixels from the top left corner."""

from collections.abc import Sequence
from html import escape

STYLE = (
    "svg text { font: 11px system-ui, sans-serif; fill: #4a5568; } "
    "svg text.title { font-weight: 600; fill: #1a202c; } svg .grid { stroke: #e2e8f0; } "
    "svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }"
)
"""The style sheet of every chart: a page of charts includes it once, a chart's own file has it inside."""

Point = tuple[float, float]


class Canvas:
    """Collects what a chart is made of.

    Args:
        width: in pixels.
        height: in pixels.
        label: what the chart shows, for those who cannot see it.
    """

    def __init__(self, width: float, height: float, label: str) -> None:
        self._size = width, height
        self._label = label
        self._parts: list[str] = []

    def grid_line(self, start: Point, end: Point) -> None:
        """A faint line from `start` to `end`."""
        (x1, y1), (x2, y2) = start, end
        self._parts.append(f'<line x1="{x1:g}" x2="{x2:g}" y1="{y1:g}" y2="{y2:g}" class="grid"/>')

    def text(
        self, at: Point, text: str, anchor: str = "start", *, title: bool = False, colour: str | None = None
    ) -> None:
        """One line of text.

        Args:
            at: of its base line.
            text: any, it is escaped here.
            anchor: which part of the line is at `at`: start, middle or end.
            title: print it bold.
            colour: as CSS writes it, by default that of the style sheet.
        """
        more = (' class="title"' if title else "") + (f' style="fill:{colour}"' if colour else "")
        x, y = at
        self._parts.append(f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{more}>{escape(text)}</text>')

    def bar(self, at: Point, size: tuple[float, float], colour: str, hint: str) -> None:
        """A filled rectangle whose top left corner is `at`; `hint` is shown where the pointer rests on it."""
        (x, y), (width, height) = at, size
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:.1f}" height="{height:g}" fill="{colour}">'
            f"<title>{escape(hint)}</title></rect>"
        )

    def curve(self, points: Sequence[Point], colour: str, hint: str) -> None:
        """A line through one or more points; a single point is a dot."""
        # A line of one point is drawn by giving it twice: the round cap then makes it visible.
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in (points if len(points) > 1 else [*points, *points]))
        self._parts.append(
            f'<polyline points="{drawn}" stroke="{colour}" stroke-linecap="round">'
            f"<title>{escape(hint)}</title></polyline>"
        )

    def element(self) -> str:
        """The chart as an element of an HTML page that has `STYLE`."""
        return f"{self._open('')}{''.join(self._parts)}</svg>"

    def document(self) -> str:
        """The chart as the text of an SVG file, on white."""
        begin = self._open(' xmlns="http://www.w3.org/2000/svg"')
        ground = '<rect width="100%" height="100%" fill="white"/>'
        return f"{begin}<style>{STYLE}</style>{ground}{''.join(self._parts)}</svg>\n"

    def _open(self, namespace: str) -> str:
        width, height = self._size
        return (
            f'<svg{namespace} viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
            f'aria-label="{escape(self._label)}">'
        )
