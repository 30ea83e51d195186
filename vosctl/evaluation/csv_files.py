"""The two tables that the DAVIS 2017 tool writes beside the masks it scores, to the last digit."""

from pathlib import Path

from vosctl.evaluation.results import BenchmarkResult, Summary
from vosctl.files import atomic_path


def write_csv_files(result: BenchmarkResult, folder: Path) -> tuple[Path, ...]:
    """Write `global_results-SPLIT.csv` and `per-sequence_results-SPLIT.csv`, if anything was scored.

    Rows of the second are objects: the sequence's name and the object's id.

    Raises:
        OutputError: a file cannot be written.
    """
    summary = result.summary
    if summary is None:
        return ()
    tables = {
        folder / f"global_results-{result.split}.csv": _global_table(summary),
        folder / f"per-sequence_results-{result.split}.csv": _sequence_table(result),
    }
    for path, text in tables.items():
        with atomic_path(path) as temporary:
            temporary.write_text(text, newline="\n")
    return tuple(tables)


def _global_table(summary: Summary) -> str:
    j, f = summary.j, summary.f
    values = (summary.j_and_f, j.mean, j.recall, j.decay, f.mean, f.recall, f.decay)
    header = "J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay"
    return f"{header}\n{','.join(f'{value:.3f}' for value in values)}\n"


def _sequence_table(result: BenchmarkResult) -> str:
    rows = [
        f"{sequence.name}_{one.object_id},{one.j.mean:.3f},{one.f.mean:.3f}"
        for sequence in result.sequences
        for one in sequence.objects
    ]
    return "\n".join(["Sequence,J-Mean,F-Mean", *rows]) + "\n"
