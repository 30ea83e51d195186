"""`report.html`: one file that needs no other, to be read by a person.

Its layout and its words stand in the template `report.html` beside this file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment

from vosctl.charts import STYLE
from vosctl.evaluation.charts import COLOURS, Line, bar_chart, line_chart
from vosctl.evaluation.datasets import Dataset
from vosctl.evaluation.frame_pictures import FramePicture, extreme_frames
from vosctl.evaluation.pages import template_room
from vosctl.evaluation.results import BenchmarkResult, ObjectScore, SequenceResult, figures_of_classes
from vosctl.files import atomic_path
from vosctl.media.palette import PALETTE

_MOST_PICTURED = 60  # sequences; a page with pictures of hundreds is too large to open


@dataclass(frozen=True)
class _Card:
    value: str
    label: str


@dataclass(frozen=True)
class _Detail:
    """One sequence: its objects, their values over time, and its worst and best frame."""

    name: str
    objects: tuple[ObjectScore, ...]
    charts: tuple[str, ...]
    """SVG elements."""
    pictures: tuple[FramePicture, ...]


def write_report(result: BenchmarkResult, dataset: Dataset, path: Path) -> None:
    """Write the report: figures, bars, J and F over time, best and worst frames, speed, and what made them.

    Args:
        result: what was found.
        dataset: where the frames and annotations for the pictures are.
        path: the file to write.

    Raises:
        OutputError: the file cannot be written.
    """
    page = (
        _template_room()
        .get_template("report.html")
        .render(
            title=f"{result.dataset} {result.split}: "
            f"{result.run.model if result.run else Path(result.masks).name}",
            result=result,
            cards=list(_cards(result)),
            bars=_bars(result),
            bar_colours=COLOURS,
            timed=[(one.name, one.speed) for one in result.sequences if one.speed],
            facts=_facts(result),
            details=list(_details(result, dataset)),
            chart_style=STYLE,
        )
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _template_room() -> Environment:
    room = template_room("vosctl.evaluation")
    room.filters["colour"] = _colour
    return room


def _cards(result: BenchmarkResult) -> Iterator[_Card]:
    """The figures at the head of the page."""
    if summary := result.summary:
        yield _Card(f"{summary.j_and_f:.3f}", "J&F")
        for name, statistics in (("J", summary.j), ("F", summary.f)):
            yield _Card(f"{statistics.mean:.3f}", f"{name} mean")
            yield _Card(f"{statistics.recall:.3f}", f"{name} recall")
            yield _Card(f"{statistics.decay:.3f}", f"{name} decay")
    for name, value in figures_of_classes(result).items():
        yield _Card(f"{value:.3f}", name)
    if speed := result.speed:
        yield _Card(f"{speed.model_fps:.2f}", "frames/s, model")
        yield _Card(f"{speed.end_to_end_fps:.2f}", "frames/s, files to files")
        yield _Card(f"{speed.first_mask_seconds:.2f} s", "to the first mask")


def _bars(result: BenchmarkResult) -> str:
    """The chart of all sequences, the best first; empty where none was scored."""
    scored = [(one.name, one.summary) for one in result.sequences if one.summary]
    scored.sort(key=lambda pair: -pair[1].j_and_f)
    return bar_chart([(name, summary.j.mean, summary.f.mean) for name, summary in scored]) if scored else ""


def _facts(result: BenchmarkResult) -> dict[str, Any]:
    """What made the masks and the figures, by name."""
    facts: dict[str, Any] = {
        "data set": f"{result.dataset} {result.split}, {result.root}",
        "masks": result.masks,
    }
    if run := result.run:
        facts |= {
            "model": run.model,
            "variant": run.variant,
            "device": run.device,
            "precision": run.precision,
        }
        facts |= {f"weights of {name}": value for name, value in run.weights.items()}
        facts |= dict(run.settings)
    return facts | result.versions


def _details(result: BenchmarkResult, dataset: Dataset) -> Iterator[_Detail]:
    """The sequences that were scored; of very many, only the worst and the best have pictures."""
    sequences = {sequence.name: sequence for sequence in dataset.sequences}
    scored = [sequence for sequence in result.sequences if sequence.objects]
    by_score = [one.name for one in sorted(scored, key=_j_and_f)]
    half = _MOST_PICTURED // 2
    pictured = set(by_score if len(by_score) <= _MOST_PICTURED else by_score[:half] + by_score[-half:])
    for one in scored:
        pictures: tuple[FramePicture, ...] = ()
        if one.name in pictured and one.name in sequences:
            masks = dataset.mask_folder(Path(result.masks), one.name)
            pictures = extreme_frames(sequences[one.name], masks, one)
        yield _Detail(one.name, one.objects, _charts(one), pictures)


def _charts(sequence: SequenceResult) -> tuple[str, str]:
    """J and F of a sequence's objects over time."""

    def lines(of_f: bool) -> list[Line]:
        return [
            Line(
                f"object {one.object_id}",
                _colour(one.object_id),
                one.frames,
                one.f_values if of_f else one.j_values,
            )
            for one in sequence.objects
        ]

    return line_chart("J", lines(of_f=False)), line_chart("F", lines(of_f=True))


def _colour(object_id: int) -> str:
    """The object's colour in the pictures, as CSS writes it."""
    red, green, blue = PALETTE[object_id]
    return f"rgb({red},{green},{blue})"


def _j_and_f(sequence: SequenceResult) -> float:
    return sequence.summary.j_and_f if sequence.summary else 0.0
