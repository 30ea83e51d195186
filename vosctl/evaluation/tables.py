"""Results as tables for the terminal."""

from collections.abc import Mapping

from rich.table import Table

from vosctl.evaluation.compare import Comparison, ComparisonRow
from vosctl.evaluation.results import BenchmarkResult, Summary, figures_of_classes
from vosctl.evaluation.variants import Variant

_ABSENT = "-"


def sequence_table(result: BenchmarkResult) -> Table:
    """A table with a row for each sequence: means over its objects, and its cost if it was run."""
    timed = result.speed is not None
    table = _table("sequence", "objects", "J&F", "J", "F", *(("frames/s", "first mask") if timed else ()))
    for sequence in result.sequences:
        scores = _scores(sequence.summary)
        objects = str(len(sequence.objects) or (sequence.speed.objects if sequence.speed else _ABSENT))
        speed = (
            (f"{sequence.speed.model_fps:.2f}", f"{sequence.speed.first_mask_seconds:.2f} s")
            if sequence.speed
            else ()
        )
        table.add_row(sequence.name, objects, *scores, *speed)
    return table


def summary_table(result: BenchmarkResult) -> Table:
    """A table of the data set's figures."""
    table = Table.grid(padding=(0, 2))
    if summary := result.summary:
        table.add_row("J&F", f"{summary.j_and_f:.3f}")
        for name, statistics in (("J", summary.j), ("F", summary.f)):
            table.add_row(
                name,
                f"{statistics.mean:.3f} mean, {statistics.recall:.3f} recall, {statistics.decay:.3f} decay",
            )
        if classes := figures_of_classes(result):
            table.add_row("classes", ", ".join(f"{name} {value:.3f}" for name, value in classes.items()))
    else:
        table.add_row("scores", "none: the annotations of this split are not public, its server scores it")
    if (speed := result.speed) and (run := result.run):
        sizes = sorted({(one.speed.width, one.speed.height) for one in result.sequences if one.speed})
        size = "{}x{}".format(*sizes[0]) if len(sizes) == 1 else f"{len(sizes)} sizes"
        jobs = max(one.speed.jobs for one in result.sequences if one.speed)
        shared = f", {jobs} sequences at a time" if jobs > 1 else ""
        table.add_row(
            "speed",
            f"{speed.model_fps:.2f} frames/s model, {speed.end_to_end_fps:.2f} frames/s files to files, "
            f"{speed.first_mask_seconds:.2f} s to the first mask",
        )
        table.add_row("on", f"{run.device}, {run.precision}, {size}{shared}")
        table.add_row("model", f"{run.model}, {run.variant}")
    return table


def ablation_table(results: Mapping[Variant, BenchmarkResult]) -> Table:
    """FRTM's Table 1: whether masks are refined (A-GAME's always are), and whether models learn on."""
    table = _table("version", "refined", "update", "J", "F", "J&F", "frames/s")
    for variant, result in results.items():
        j_and_f, j, f = _scores(result.summary)
        speed = f"{result.speed.model_fps:.2f}" if result.speed else _ABSENT
        marks = ("x" if variant.refine else "", "x" if variant.update else "")
        table.add_row(variant.value, *marks, j, f, j_and_f, speed)
    return table


def comparison_table(comparison: Comparison) -> Table:
    """A table of two runs with a row for each sequence, and by how much B is better than A."""
    timed = comparison.total.a_fps is not None or comparison.total.b_fps is not None
    speed = ("A frames/s", "B frames/s") if timed else ()
    table = _table("sequence", "A J", "B J", "A F", "B F", "A J&F", "B J&F", "B - A", *speed)
    for row in comparison.rows:
        table.add_row(*_compared(row, timed))
    table.add_section()
    table.add_row(*_compared(comparison.total, timed))
    return table


def _compared(row: ComparisonRow, timed: bool) -> list[str]:
    a, b = row.a, row.b
    values = (a.j.mean, b.j.mean, a.f.mean, b.f.mean, a.j_and_f, b.j_and_f)
    speeds = [_ABSENT if fps is None else f"{fps:.2f}" for fps in (row.a_fps, row.b_fps)] if timed else []
    return [row.name, *(f"{value:.3f}" for value in values), f"{row.difference:+.3f}", *speeds]


def _scores(summary: Summary | None) -> tuple[str, str, str]:
    if summary is None:
        return (_ABSENT,) * 3
    return f"{summary.j_and_f:.3f}", f"{summary.j.mean:.3f}", f"{summary.f.mean:.3f}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table
