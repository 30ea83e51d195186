"""A benchmark from end to end: run the sequences that are not done, score the masks, write what was found."""

import platform
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from vosctl.errors import SequencesFailedError, VosctlError
from vosctl.evaluation.csv_files import write_csv_files
from vosctl.evaluation.datasets import Dataset
from vosctl.evaluation.progress import Progress
from vosctl.evaluation.report import write_report
from vosctl.evaluation.results import (
    BenchmarkResult,
    Failure,
    RunDescription,
    SequenceResult,
    SequenceSpeed,
    write_results,
)
from vosctl.evaluation.run_records import RunRecords
from vosctl.evaluation.runners import Runners
from vosctl.evaluation.scorer import score_dataset
from vosctl.version import __version__


def run_benchmark(
    dataset: Dataset, output: Path, runners: Runners, progress: Progress, *, overwrite: bool = False
) -> BenchmarkResult:
    """Run the tracker on every sequence that is not done, and score all.

    A sequence that fails is in the result's `failures`; the rest is scored.

    Args:
        dataset: what to run.
        output: the folder for masks and figures.
        runners: what runs the sequences.
        progress: is told how far it is.
        overwrite: run all sequences again.

    Raises:
        VosctlError: the model does not work, the output cannot be written, or an annotation cannot be read.
    """
    records = RunRecords(output, dataset)
    description = runners.describe()
    speeds: dict[str, SequenceSpeed] = {}
    work = []
    for sequence in dataset.sequences:
        speed = None if overwrite else records.done(sequence, description)
        if speed:
            speeds[sequence.name] = speed
        else:
            records.forget(sequence)
            work.append((sequence, dataset.mask_folder(output, sequence.name)))

    failures = []
    progress.phase("tracking", sum(len(sequence.frames) for sequence, _ in work))
    for sequence, outcome in runners.run(work, progress.advance):
        if isinstance(outcome, SequenceSpeed):
            records.write(sequence, description, outcome)
            speeds[sequence.name] = outcome
        elif isinstance(outcome, VosctlError):
            failures.append(Failure(sequence.name, str(outcome)))
        else:
            path = records.write_traceback(sequence, "".join(traceback.format_exception(outcome)))
            failures.append(Failure(sequence.name, f"{type(outcome).__name__}: {outcome}; see {path}"))
    return _scored(dataset, output, progress, description, speeds, tuple(failures))


def score_masks(dataset: Dataset, masks: Path, progress: Progress) -> BenchmarkResult:
    """Score masks that any tool made.

    Raises:
        VosctlError: a mask that counts is missing or unfit, or an annotation cannot be read.
    """
    return _scored(dataset, masks, progress, None, {}, ())


def require_all(results: Iterable[BenchmarkResult]) -> None:
    """Raises what is wrong with the sequences; it is called last, when all has been written and shown.

    Raises:
        SequencesFailedError: some sequences failed; names each.
    """
    failures = [failure for result in results for failure in result.failures]
    if failures:
        named = "; ".join(f"{failure.sequence} ({failure.error})" for failure in failures)
        raise SequencesFailedError(
            f"{len(failures)} failed and are not in the figures: {named}; run again to retry"
        )


def write_files(result: BenchmarkResult, dataset: Dataset, folder: Path) -> None:
    """Write `results.json`, the official CSVs and `report.html`.

    Raises:
        OutputError: one cannot be written.
    """
    write_results(result, folder / "results.json")
    write_csv_files(result, folder)
    write_report(result, dataset, folder / "report.html")


def _scored(
    dataset: Dataset,
    masks: Path,
    progress: Progress,
    description: RunDescription | None,
    speeds: Mapping[str, SequenceSpeed],
    failures: tuple[Failure, ...],
) -> BenchmarkResult:
    failed = frozenset(failure.sequence for failure in failures)
    scores = score_dataset(dataset, masks, progress, skip=failed)
    return BenchmarkResult(
        dataset=dataset.name.value,
        split=dataset.split,
        root=str(dataset.root.resolve()),
        masks=str(masks.resolve()),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={
            "vosctl": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        run=description,
        sequences=tuple(SequenceResult(name, objects, speeds.get(name)) for name, objects in scores.items()),
        failures=failures,
    )
