"""A target from end to end: measure its rows, draw it, write the page."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from vosctl.files import make_folder
from vosctl.reproduction.chart import draw_bars, draw_lines, save
from vosctl.reproduction.order import order_note
from vosctl.reproduction.outcome import Outcome, RowOutcome, write_outcome
from vosctl.reproduction.page import write_page
from vosctl.reproduction.pictures import Found, draw_masks, draw_samples, draw_scores
from vosctl.reproduction.plan import Models, Plan
from vosctl.reproduction.scores import measure_rows
from vosctl.reproduction.target import Target
from vosctl.reproduction.timing import measure_first_frame, measure_memory_sizes, measure_stages
from vosctl.version import __version__

_CHART = "result.png"


def reproduce(target: Target, plan: Plan) -> Outcome:
    """Measure a target and write `index.html`, `result.csv`, `result.json` and its pictures.

    Raises:
        VosctlError: the output cannot be written, or nothing can be measured at all.
    """
    folder = plan.folder / target.name
    make_folder(folder)
    rows, pictures = _measured(target, plan)
    outcome = Outcome(
        name=target.name,
        title=target.title,
        paper_data=target.data,
        data=plan.data,
        columns=target.columns if any(row.ours for row in rows) or any(row.paper for row in rows) else (),
        rows=rows,
        note=" ".join(part for part in (target.note, order_note(target.columns, rows)) if part),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={
            "vosctl": __version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
        pictures=pictures,
    )
    charts = _draw(target, outcome, folder)
    outcome = Outcome(**{**vars(outcome), "pictures": (*charts, *pictures)})
    write_outcome(outcome, folder)
    write_page(outcome, folder)
    return outcome


def _measured(target: Target, plan: Plan) -> Found:
    models = Models(plan.device)
    if target.kind == "pictures":
        return draw_masks(target, plan)
    if target.kind == "scores-in-pictures":
        return draw_scores(target, plan, models)
    if target.kind == "samples":
        return draw_samples(target, plan)
    if target.kind == "stages":
        return measure_stages(target, plan, models), ()
    if target.kind == "first-frame":
        return measure_first_frame(target, plan, models), ()
    if target.kind == "memory-sizes":
        return measure_memory_sizes(target, plan, models), ()
    return measure_rows(target, plan), ()


def _draw(target: Target, outcome: Outcome, folder: Path) -> tuple[str, ...]:
    """The target's chart: lines for a sweep over two settings or of several parts, else bars."""
    if not outcome.columns:
        return ()
    if len(target.sweep) == 2:
        picture = _sweep_lines(target, outcome)
    elif target.sweep and len(outcome.columns) > 1:
        (values,) = target.sweep.values()
        series = {
            column: [(x, row.ours[column]) for x, row in zip(values, outcome.rows, strict=False) if row.ours]
            for column in outcome.columns
        }
        picture = draw_lines(outcome.title, next(iter(target.sweep)), "percent of the whole", series)
    else:
        picture = draw_bars(outcome)
    if picture is None:
        return ()
    save(picture, folder / _CHART)
    return (_CHART,)


def _sweep_lines(target: Target, outcome: Outcome):  # type: ignore[no-untyped-def]
    """One line for each value of the second setting, over the first one."""
    (x_name, xs), (line_name, lines) = target.sweep.items()
    per_model = len(xs) * len(lines)
    rows: Sequence[RowOutcome] = outcome.rows[:: max(1, len(outcome.rows) // per_model)]
    series: dict[str, list[tuple[float, float]]] = {}
    for index, row in enumerate(rows):
        if row.ours:
            x, line = xs[index // len(lines)], lines[index % len(lines)]
            series.setdefault(f"{line_name} {line:g}", []).append((x, row.ours[outcome.columns[0]]))
    if not series:
        return None
    return draw_lines(outcome.title, x_name, outcome.columns[0], series)
