"""`vosctl benchmark`: figures on DAVIS, YouTube-VOS and data laid out like them.

`--json`:

    dataset, split   as given
    runs             [{variant, masks, figures, failures}]: one, or a row of the table each; variant is null
                     where masks were scored, figures are those of `results.json`, failures are
                     [{sequence, error}]

and with `--compare`:

    comparison       [{name, a, b, difference}]: J&F of each sequence in both, the last one being all of them
    left_out         [name]: in one of them only

and with `--speed`:

    speed            {model, device, precision, threads, product_rate, clips}: operations a second, and for
                     each clip its stages' seconds, operations and shares, frames a second, peak memory
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from vosctl.cli import options
from vosctl.cli import speed as timing
from vosctl.cli.console import console, print_result
from vosctl.cli.results import json_result
from vosctl.errors import MaskError, UsageError
from vosctl.evaluation.datasets import Dataset, DatasetName, open_dataset
from vosctl.evaluation.output_folder import make_output_folder
from vosctl.evaluation.variants import Variant
from vosctl.models.choice import ModelChoice

if TYPE_CHECKING:
    from vosctl.evaluation.results import BenchmarkResult
    from vosctl.evaluation.sequence_runner import RunPlan

_SPEED = "Speed"  # a panel of --help


class VariantName(StrEnum):
    """What `--variant` takes: a row of the paper's Table 1, or the table."""

    D_ONLY_NO_UPDATE = "d-only-no-update"
    D_ONLY = "d-only"
    NO_UPDATE = "no-update"
    OURS = "ours"
    TABLE = "table"


def benchmark(
    clips: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[CLIP]...", help="With --speed: clips to measure.", show_default=False),
    ] = None,
    speed: Annotated[
        bool,
        typer.Option(
            "--speed",
            help="Measure what each stage takes, on CLIPs or on a data set's sequences, and how near the "
            "machine's bound it comes. Nothing is scored.",
            rich_help_panel=_SPEED,
        ),
    ] = False,
    mask: Annotated[
        list[Path] | None,
        typer.Option(
            "--mask",
            metavar="FILE",
            help="One for each CLIP.",
            show_default="made-up objects",
            rich_help_panel=_SPEED,
        ),
    ] = None,
    objects: Annotated[
        int,
        typer.Option("--objects", min=1, max=254, help="How many to make up.", rich_help_panel=_SPEED),
    ] = 1,
    dataset: Annotated[
        DatasetName | None,
        typer.Option(
            "--dataset",
            help="Whose layout and rules hold; folder is your own data laid out as DAVIS is.",
            rich_help_panel="Data set",
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            metavar="DIR",
            help="Where the data set lies.",
            show_default="$VOSCTL_DATA/DAVIS or $VOSCTL_DATA/YouTubeVOS",
            rich_help_panel="Data set",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            help="val, train, test-dev, ...",
            show_default="val, or valid for ytvos18",
            rich_help_panel="Data set",
        ),
    ] = None,
    sequences: Annotated[
        str | None,
        typer.Option(
            "--sequences",
            metavar="A,B",
            help="These alone.",
            show_default="the whole split",
            rich_help_panel="Data set",
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results",
            metavar="DIR",
            help="Score masks that are there, DIR/SEQUENCE/00000.png, and run nothing.",
            show_default=False,
            rich_help_panel="Without a run",
        ),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--compare",
            metavar="A.json B.json",
            help="Compare two results.json.",
            show_default=False,
            rich_help_panel="Without a run",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="For masks, results.json, report.html and the official CSVs.",
            show_default="runs/DATASET-SPLIT, or with --results that folder",
            rich_help_panel=options.RESULTS,
        ),
    ] = None,
    archive: Annotated[
        bool,
        typer.Option(
            "--zip",
            help="Also make OUTPUT/submission.zip, as the data set's server takes it.",
            rich_help_panel=options.RESULTS,
        ),
    ] = False,
    model: options.ModelOption = None,
    backbone_weights: options.BackboneOption = None,
    refinement: options.RefinementOption = None,
    download: options.DownloadOption = False,
    device: options.DevicesOption = "auto",
    jobs: options.JobsAtOnceOption = None,
    precision: options.PrecisionOption = options.PrecisionName.AUTO,
    variant: Annotated[
        VariantName | None,
        typer.Option(
            "--variant",
            help="A row of the paper's Table 1, or all.",
            show_default="all the model can",
            rich_help_panel=options.TRACKING,
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option("--samples", help="|M0|: samples of the first frame.", rich_help_panel=options.TRACKING),
    ] = 5,
    update_interval: Annotated[
        int,
        typer.Option(
            "--update-interval", help="t_s: frames between two updates.", rich_help_panel=options.TRACKING
        ),
    ] = 4,
    learning_rate: Annotated[
        float,
        typer.Option(
            "--learning-rate",
            help="eta: the newest frame's share in the memory.",
            rich_help_panel=options.TRACKING,
        ),
    ] = 0.1,
    window: Annotated[int, typer.Option("--window", min=1, help="Frames per batch.")] = 8,
    overwrite: options.OverwriteOption = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Run a data set's sequences, score the masks as the official tools do, and measure the speed.

    Sequences that are done are not run again, so that an interrupted run can be repeated to go on.

    Example: vosctl benchmark --dataset davis17 --root DAVIS

    Example: vosctl benchmark --speed clip.mp4 --mask first.png
    """
    if compare:
        _compare(*compare, as_json)
        return
    from vosctl.tracking.settings import TrackerSettings

    choice = ModelChoice(model, backbone_weights, refinement, precision.value, download)
    settings = TrackerSettings(
        initial_samples=samples,
        update_interval=update_interval,
        learning_rate=learning_rate,
        window=window,
    )
    if clips and not (speed and dataset is None):
        raise UsageError("clips are for --speed, and without --dataset; see vosctl segment")
    if speed and clips:
        to_measure = timing.jobs_of_clips(clips, mask or [], objects)
        timing.measure(to_measure, choice, device, settings, output, as_json, quiet)
        return
    if dataset is None:
        raise UsageError("say which data set with --dataset davis16, davis17, ytvos18 or folder")
    only = tuple(name.strip() for name in sequences.split(",") if name.strip()) if sequences else ()
    data = open_dataset(dataset, root, split, only)
    if speed:
        timing.measure(timing.jobs_of_dataset(data), choice, device, settings, output, as_json, quiet)
        return
    if results:
        _report((_score(data, results, output or results, archive, quiet),), as_json)
        return

    from vosctl.evaluation.benchmark import require_all
    from vosctl.evaluation.sequence_runner import RunPlan

    devices = tuple(name.strip() for name in device.split(","))
    plan = RunPlan(
        model=choice,
        settings=settings,
        devices=devices,
        jobs=jobs or len(devices),
    )
    folder = output or Path("runs") / f"{data.name}-{data.split}"
    if variant is VariantName.TABLE:
        found = _run_table(data, plan, folder, archive, overwrite, quiet, as_json)
    else:
        chosen = replace(plan, variant=Variant(variant.value)) if variant else plan
        found = (_run(data, chosen, folder, archive, overwrite, quiet),)
        _report(found, as_json)
    require_all(found)


def _report(found: "tuple[BenchmarkResult, ...]", as_json: bool) -> None:
    """What was found, for people or for programs."""
    from vosctl.evaluation.results import figures_of

    if not as_json:
        for result in found:
            _print_tables(result)
        return
    runs = [
        {
            "variant": result.run.variant if result.run else None,
            "masks": result.masks,
            "figures": figures_of(result),
            "failures": [asdict(failure) for failure in result.failures],
        }
        for result in found
    ]
    json_result.put({"dataset": found[0].dataset, "split": found[0].split, "runs": runs})


def _run(
    data: Dataset, plan: "RunPlan", folder: Path, archive: bool, overwrite: bool, quiet: bool
) -> "BenchmarkResult":
    """Run, score and write what was found."""
    from vosctl.evaluation.benchmark import run_benchmark, write_files
    from vosctl.evaluation.runners import open_runners

    with _bar(quiet) as bar, open_runners(plan) as runners:
        result = run_benchmark(data, folder, runners, bar, overwrite=overwrite)
    write_files(result, data, folder)
    _write_zip(data, result, folder, archive)
    _say_where(folder, quiet)
    return result


def _run_table(
    data: Dataset, plan: "RunPlan", folder: Path, archive: bool, overwrite: bool, quiet: bool, as_json: bool
) -> tuple["BenchmarkResult", ...]:
    """Every row of Table 1, each in a folder of its own."""
    from vosctl.evaluation.tables import ablation_table

    found = {}
    for variant in Variant:
        if not quiet:
            console.print(variant.value, style="bold")
        chosen = replace(plan, variant=variant)
        found[variant] = _run(data, chosen, folder / variant.value, archive, overwrite, quiet)
    if as_json:
        _report(tuple(found.values()), as_json)
    else:
        print_result(ablation_table(found))
    return tuple(found.values())


def _score(data: Dataset, masks: Path, folder: Path, archive: bool, quiet: bool) -> "BenchmarkResult":
    """Score masks that are there and write what was found."""
    from vosctl.evaluation.benchmark import score_masks, write_files

    if not masks.is_dir():
        raise MaskError(
            f"{masks}: no such folder; expected masks as {data.mask_folder(masks, 'SEQUENCE')}/00000.png"
        )
    make_output_folder(folder)
    with _bar(quiet) as bar:
        result = score_masks(data, masks, bar)
    write_files(result, data, folder)
    _write_zip(data, result, folder, archive)
    _say_where(folder, quiet)
    return result


def _compare(a: Path, b: Path, as_json: bool) -> None:
    from vosctl.evaluation.compare import compare
    from vosctl.evaluation.results import read_results
    from vosctl.evaluation.tables import comparison_table

    comparison = compare(read_results(a), read_results(b))
    if as_json:
        rows = [
            {"name": row.name, "a": row.a.j_and_f, "b": row.b.j_and_f, "difference": row.difference}
            for row in (*comparison.rows, comparison.total)
        ]
        json_result.put({"comparison": rows, "left_out": list(comparison.left_out)})
        return
    print_result(comparison_table(comparison))
    if comparison.left_out:
        console.print(f"in one of them only: {', '.join(comparison.left_out)}", markup=False)


def _write_zip(data: Dataset, result: "BenchmarkResult", folder: Path, archive: bool) -> None:
    if not archive:
        return
    from vosctl.evaluation.submission import write_submission

    if result.failures:
        console.print("no submission.zip: sequences are missing, a server would refuse it")
        return
    write_submission(data, Path(result.masks), folder / "submission.zip")


def _print_tables(result: "BenchmarkResult") -> None:
    from vosctl.evaluation.tables import sequence_table, summary_table

    print_result(sequence_table(result))
    print_result("")
    print_result(summary_table(result))


def _say_where(folder: Path, quiet: bool) -> None:
    if not quiet:
        console.print(
            f"report in {folder / 'report.html'}, figures in {folder / 'results.json'}", markup=False
        )


class _Bar:
    """A bar for each phase of a benchmark, in frames."""

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
def _bar(quiet: bool) -> Iterator[_Bar]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=quiet) as bars:
        yield _Bar(bars)
