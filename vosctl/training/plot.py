"""A training run's curves as an SVG file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vosctl.charts import Canvas, Point
from vosctl.files import atomic_path

LOSS_COLOUR, SCORE_COLOUR = "#1f77b4", "#d62728"

_WIDTH, _HEIGHT = 960, 540
_LEFT, _TOP, _RIGHT, _BOTTOM = 64, 40, _WIDTH - 64, _HEIGHT - 48  # the sides of the plotted area
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of a scale, where it has ticks
_MOST_POINTS = 200  # of a curve


def plot_log(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the loss (left scale) and the validation score (right scale) over the steps.

    Args:
        lines: the lines of the training log.
        path: the SVG file to write.

    Raises:
        OutputError: the file cannot be written.
    """
    losses = _smooth([(line["step"], line["loss"]) for line in lines if "loss" in line])
    scores = [(line["step"], line["validation"]) for line in lines if "validation" in line]
    last = max((step for step, _ in [*losses, *scores]), default=1.0)
    canvas = Canvas(_WIDTH, _HEIGHT, "loss and validation score over the steps of the training")
    for share in _SHARES:
        x, y = _across(share), _up(share)
        canvas.grid_line((x, _TOP), (x, _BOTTOM))
        canvas.grid_line((_LEFT, y), (_RIGHT, y))
        canvas.text((x, _BOTTOM + 18), f"{share * last:.0f}", "middle")
    canvas.text((_RIGHT, _BOTTOM + 38), "step", "end")
    _draw(canvas, losses, last, "loss", LOSS_COLOUR, on_the_left=True)
    _draw(canvas, scores, last, "score", SCORE_COLOUR, on_the_left=False)
    with atomic_path(path) as temporary:
        temporary.write_text(canvas.document(), encoding="utf-8")


def _draw(
    canvas: Canvas, curve: Sequence[Point], last: float, name: str, colour: str, *, on_the_left: bool
) -> None:
    """Draw a curve with a scale of its own; draw nothing where it has no point."""
    if not curve:
        return
    low, high = min(v for _, v in curve), max(v for _, v in curve)
    if high == low:
        low, high = low - 0.5, high + 0.5
    points = [(_across(step / last), _up((value - low) / (high - low))) for step, value in curve]
    text = f"{name}, last {curve[-1][1]:.3g}"
    canvas.curve(points, colour, text)
    if not on_the_left:  # scores are few: each is marked
        for point in points:
            canvas.bar((point[0] - 3, point[1] - 3), (6, 6), colour, text)
    x, side = (_LEFT - 6, "end") if on_the_left else (_RIGHT + 6, "start")
    for share in _SHARES:
        canvas.text((x, _up(share) + 4), f"{low + share * (high - low):.3g}", side, colour=colour)
    corner, side = (_LEFT, "start") if on_the_left else (_RIGHT, "end")
    canvas.text((corner, 24), text, side, colour=colour)


def _across(share: float) -> float:
    return _LEFT + share * (_RIGHT - _LEFT)


def _up(share: float) -> float:
    return _BOTTOM - share * (_BOTTOM - _TOP)


def _smooth(points: Sequence[Point]) -> list[Point]:
    """A limited number of points, each the mean of its neighbours: single batches say little."""
    width = max(1, -(-len(points) // _MOST_POINTS))
    groups = [points[i : i + width] for i in range(0, len(points), width)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]
