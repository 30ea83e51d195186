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

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vosctl.cli import completion, options, score_tables, scoring
from vosctl.cli import speed as timing
from vosctl.errors import UsageError
from vosctl.evaluation.datasets import Dataset, DatasetName, open_dataset
from vosctl.evaluation.variants import Variant
from vosctl.systems.choice import ModelChoice
from vosctl.systems.presets import Preset, preset_for

if TYPE_CHECKING:
    from vosctl.evaluation.sequence_runner import RunPlan
    from vosctl.systems.settings import TrackerSettings

_SPEED, _NUMBERS = "Speed", "Numbers of FRTM's Algorithm 1"  # panels of --help


class VariantName(StrEnum):
    """What `--variant` takes: a row of the paper's Table 1, or the table."""

    BASE_NET = "base-net"
    FINE_TUNE = "fine-tune"
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
            help="A mask of the first frame, one for each CLIP.",
            show_default="made-up objects",
            rich_help_panel=_SPEED,
        ),
    ] = None,
    objects: Annotated[
        int,
        typer.Option(
            "--objects", min=1, max=254, help="Number of objects to make up.", rich_help_panel=_SPEED
        ),
    ] = 1,
    dataset: Annotated[
        DatasetName | None,
        typer.Option(
            "--dataset",
            help="The data set whose layout and rules hold; folder is your own data laid out as DAVIS is.",
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
            show_default="val, or valid for ytvos18 and ytvos19",
            rich_help_panel="Data set",
        ),
    ] = None,
    sequences: Annotated[
        str | None,
        typer.Option(
            "--sequences",
            metavar="A,B",
            help="Run these sequences alone.",
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
            metavar="A B",
            help="Compare two results.json, or the folders that hold them.",
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
            help="Folder for masks, results.json, report.html and the official CSVs.",
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
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="NAME",
            help="auto, cpu or cuda:N; several with commas, cuda:0,cuda:1, for a sequence on each at a time.",
            rich_help_panel=options.MACHINE,
            envvar="VOSCTL_DEVICE",
            autocompletion=completion.devices,
        ),
    ] = "auto",
    jobs: options.JobsAtOnceOption = None,
    precision: options.PrecisionOption = options.PrecisionName.AUTO,
    variant: Annotated[
        VariantName | None,
        typer.Option(
            "--variant",
            help="One row of the paper's Table 1, or the whole table but for its baselines, base-net and "
            "fine-tune.",
            show_default="all the model can",
            rich_help_panel=options.TRACKING,
        ),
    ] = None,
    preset: options.PresetOption = None,
    samples: Annotated[
        int | None,
        typer.Option(
            "--samples",
            min=1,
            help="|M0|: samples of the first frame.",
            show_default="5; paper 5",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
    update_interval: Annotated[
        int | None,
        typer.Option(
            "--update-interval",
            min=1,
            help="t_s: frames between two updates.",
            show_default="4; paper 8",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
    update_steps: Annotated[
        int | None,
        typer.Option(
            "--update-steps",
            min=1,
            help="N_CGu: steps of conjugate gradients in an update.",
            show_default="20; paper 10, paper-fast 5",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            "--learning-rate",
            help="eta: the newest frame's share in the memory.",
            show_default="0.1; paper 0.1",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
    memory_interval: Annotated[
        int | None,
        typer.Option(
            "--memory-interval",
            min=1,
            help="Frames from one that is remembered to the next.",
            show_default="4; paper 1",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
    memory_size: Annotated[
        int | None,
        typer.Option(
            "--memory-size",
            min=1,
            help="K_max: store so many samples, in place of the matrix that stands for all.",
            show_default="the matrix; the paper has 80 samples",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
    region: Annotated[
        bool | None,
        typer.Option(
            "--region/--no-region",
            help="Look for an object only around where it was, or everywhere.",
            show_default="region; paper no-region",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            "--window",
            min=1,
            help="Frames per batch. Larger numbers than --update-interval count as that.",
            show_default="the update interval",
            rich_help_panel=options.TRACKING,
        ),
    ] = None,
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
        score_tables.compare(*compare, as_json)
        return
    choice = ModelChoice(model, backbone_weights, refinement, precision.value, download)
    named = {
        "--samples": ("initial_samples", samples),
        "--update-interval": ("update_interval", update_interval),
        "--update-steps": ("update_steps", update_steps),
        "--learning-rate": ("learning_rate", learning_rate),
        "--memory-interval": ("memory_interval", memory_interval),
        "--memory-size": ("memory_size", memory_size),
        "--region": ("nearby", region),
        "--window": ("window", window),
    }
    settings = _settings(choice, preset, named, check=not results)
    if clips and not (speed and dataset is None):
        raise UsageError("clips are for --speed, and without --dataset; see vosctl segment")
    if speed:
        to_measure = (
            timing.jobs_of_clips(clips, mask or [], objects)
            if clips
            else timing.jobs_of_dataset(_open(dataset, root, split, sequences))
        )
        row = _of_variant(settings, variant)
        timing.measure(to_measure, choice, device, row, output, as_json, quiet)
        return
    data = _open(dataset, root, split, sequences)
    if results:
        scored = scoring.score(data, results, output or results, archive, quiet)
        score_tables.report((scored,), as_json)
        return

    from vosctl.evaluation.sequence_runner import RunPlan

    devices = tuple(name.strip() for name in device.split(","))
    plan = RunPlan(model=choice, settings=settings, devices=devices, jobs=jobs or len(devices))
    folder = output or Path("runs") / f"{data.name}-{data.split}"
    _run(data, plan, variant, folder, archive, overwrite, as_json, quiet)


def _settings(
    choice: ModelChoice, preset: Preset | None, named: Mapping[str, tuple[str, Any]], check: bool
) -> "TrackerSettings":
    """The preset's settings, with the numbers that were given in place of its own.

    Args:
        choice: the model.
        preset: as given; None for the one that the model is for.
        named: by option, the field of the settings and its value, None where it was not given.
        check: whether the model must make use of what was given.

    Raises:
        UsageError: a number cannot be, or the model makes no use of it.
    """
    given = {option: pair for option, pair in named.items() if pair[1] is not None}
    settings = replace((preset or preset_for(choice)).settings, **dict(given.values()))
    if given and check:
        _require_heeded(choice, {option: field for option, (field, _) in given.items()})
    return settings


def _of_variant(settings: "TrackerSettings", variant: VariantName | None) -> "TrackerSettings":
    """The settings as a row of Table 1 has them.

    Raises:
        UsageError: the whole table was asked for.
    """
    if variant is VariantName.TABLE:
        raise UsageError("--variant table is for scoring; --speed measures one row of it")
    return Variant(variant.value).apply(settings) if variant else settings


def _require_heeded(choice: ModelChoice, given: Mapping[str, str]) -> None:
    """Make sure that the model's system makes use of what was given: fields of the settings, by option.

    Raises:
        UsageError: it does not.
    """
    from vosctl.systems.registry import system_of

    system = system_of(choice.name, choice.backbone_weights)
    ignored = system.tracking.ignores if system and system.tracking else frozenset()
    if system and (unused := [option for option, field in given.items() if field in ignored]):
        raise UsageError(f"{system.title} makes no use of {' and '.join(unused)}; leave it out")


def _open(
    dataset: DatasetName | None, root: Path | None, split: str | None, sequences: str | None
) -> Dataset:
    if dataset is None:
        raise UsageError("say which data set with --dataset davis16, davis17, ytvos18, ytvos19 or folder")
    only = tuple(name.strip() for name in sequences.split(",") if name.strip()) if sequences else ()
    return open_dataset(dataset, root, split, only)


def _run(
    data: Dataset,
    plan: "RunPlan",
    variant: VariantName | None,
    folder: Path,
    archive: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run, score and report: the model at its fullest, one row of Table 1, or all of them."""
    from vosctl.evaluation.dataset_run import require_all

    if variant is VariantName.TABLE:
        by_variant = scoring.run_ablations(data, plan, folder, archive, overwrite, quiet)
        found = tuple(by_variant.values())
        score_tables.report_ablations(by_variant, as_json)
    else:
        chosen = replace(plan, variant=Variant(variant.value)) if variant else plan
        found = (scoring.run(data, chosen, folder, archive, overwrite, quiet),)
        score_tables.report(found, as_json)
    require_all(found)
