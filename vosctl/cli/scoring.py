"""Running and scoring a data set for `vosctl benchmark`: with a bar, into an output folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import Progress, TaskID

from vosctl.cli.console import console, progress_bar
from vosctl.errors import InterruptedRunError, MaskError
from vosctl.evaluation.datasets import Dataset
from vosctl.evaluation.output_folder import make_output_folder
from vosctl.evaluation.variants import Variant
from vosctl.media.claims import hold

if TYPE_CHECKING:
    from vosctl.evaluation.results import BenchmarkResult
    from vosctl.evaluation.sequence_runner import RunPlan


def run(
    data: Dataset, plan: "RunPlan", folder: Path, archive: bool, overwrite: bool, quiet: bool
) -> "BenchmarkResult":
    """Run, score and write what was found.

    Raises:
        InterruptedRunError: Ctrl-C.
    """
    from vosctl.evaluation.dataset_run import run_benchmark, write_files
    from vosctl.evaluation.runners import open_runners

    with hold(folder, is_folder=True):
        try:
            with bar(quiet) as progress, open_runners(plan) as runners:
                result = run_benchmark(data, folder, runners, progress, overwrite=overwrite)
        except KeyboardInterrupt:
            again = "without --overwrite, " if overwrite else ""
            raise InterruptedRunError(
                f"to go on: the same command again, {again}which leaves out the sequences that are done"
            ) from None
        write_files(result, data, folder)
        _write_zip(data, result, folder, archive)
    _say_where(folder, quiet)
    return result


def run_ablations(
    data: Dataset, plan: "RunPlan", folder: Path, archive: bool, overwrite: bool, quiet: bool
) -> "dict[Variant, BenchmarkResult]":
    """Run every row of Table 1 that the model can, each in a folder of its own."""
    from vosctl.evaluation.sequence_runner import variants_of

    found = {}
    known = replace(plan.model, precision="fp32").load("cpu")  # which takes no fp16
    for variant in variants_of(known):
        if not quiet:
            console.print(variant.value, style="bold")
        chosen = replace(plan, variant=variant)
        found[variant] = run(data, chosen, folder / variant.value, archive, overwrite, quiet)
    return found


def score(data: Dataset, masks: Path, folder: Path, archive: bool, quiet: bool) -> "BenchmarkResult":
    """Score masks that are there and write what was found."""
    from vosctl.evaluation.dataset_run import score_masks, write_files

    if not masks.is_dir():
        raise MaskError(
            f"{masks}: no such folder; expected masks as {data.mask_folder(masks, 'SEQUENCE')}/00000.png"
        )
    make_output_folder(folder)
    with hold(folder, is_folder=True):
        with bar(quiet) as progress:
            result = score_masks(data, masks, progress)
        write_files(result, data, folder)
        _write_zip(data, result, folder, archive)
    _say_where(folder, quiet)
    return result


def _write_zip(data: Dataset, result: "BenchmarkResult", folder: Path, archive: bool) -> None:
    if not archive:
        return
    from vosctl.evaluation.submission import write_submission

    if result.failures:
        console.print("no submission.zip: sequences are missing, a server would refuse it")
        return
    write_submission(data, Path(result.masks), folder / "submission.zip")


def _say_where(folder: Path, quiet: bool) -> None:
    if not quiet:
        console.print(
            f"report in {folder / 'report.html'}, figures in {folder / 'results.json'}", markup=False
        )


class _Bar:
    """Shows a bar for each phase of a benchmark, in frames."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def phase(self, label: str, frames: int) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(label, total=frames)

    def advance(self, frames: int) -> None:
        if self._task is not None:
            self._bars.advance(self._task, frames)


@contextmanager
def bar(quiet: bool) -> Iterator[_Bar]:
    """A bar on standard error for the phases of a benchmark."""
    with progress_bar("frames", quiet) as bars:
        yield _Bar(bars)
