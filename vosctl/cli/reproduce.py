"""`vosctl reproduce`: the tables and figures of both papers, measured anew.

`--json`:

    targets    [{name, title, data, needs, hours}], with --list
    results    [{name, title, paper_data, data, columns, rows, note, made_at, versions, pictures}], a row
               being {label, paper, ours, made_by, reason, folder}: the paper's figures and ours by column
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from vosctl.cli import options, scoring
from vosctl.cli.console import console, print_line, print_result
from vosctl.cli.json_output import json_result
from vosctl.errors import InterruptedRunError, UsageError
from vosctl.evaluation.datasets import DatasetName, open_dataset
from vosctl.media.claims import hold

if TYPE_CHECKING:
    from vosctl.reproduction.outcome import Outcome


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Tables and figures: frtm-table1, agame-figure3, ...; --list shows all.",
            show_default=False,
        ),
    ] = None,
    list_all: Annotated[
        bool, typer.Option("--list", help="Show what can be reproduced, and what each needs.")
    ] = False,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            metavar="DIR",
            help="Where the data set lies.",
            show_default="$VOSCTL_DATA",
            rich_help_panel="Data set",
        ),
    ] = None,
    dataset: Annotated[
        DatasetName | None,
        typer.Option(
            "--dataset",
            help="Its layout and rules.",
            show_default="davis17, or ytvos18 for a folder with a split's meta.json",
            rich_help_panel="Data set",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", help="val, train, ...", show_default="val", rich_help_panel="Data set"),
    ] = None,
    sequences: Annotated[
        str | None,
        typer.Option(
            "--sequences",
            metavar="A,B",
            help="Run these alone.",
            show_default="the whole split",
            rich_help_panel="Data set",
        ),
    ] = None,
    models: Annotated[
        str,
        typer.Option(
            "--models",
            metavar="A,B",
            help="For the rows that name no model of their own.",
            rich_help_panel=options.MODEL,
        ),
    ] = "frtm-rn18",
    sweep: Annotated[
        list[str],
        typer.Option(
            "--sweep",
            metavar="NAME=A,B,C",
            help="Other values for a figure: learning_rate, update_interval, initial_samples, memory_size. "
            "May be repeated.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 (typer's form of a repeatable option)
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            min=0.01,
            metavar="MINUTES",
            help="Train the rows that need it for so long each; what is trained is kept.",
            show_default="train nothing",
            rich_help_panel="Training",
        ),
    ] = None,
    data: Annotated[
        list[str],
        typer.Option(
            "--data",
            metavar="NAME=PATH",
            help="Where the data of the recipes is, as for vosctl train.",
            show_default=False,
            rich_help_panel="Training",
        ),
    ] = [],  # noqa: B006
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Each table and figure has a folder in it.",
            rich_help_panel=options.RESULTS,
        ),
    ] = Path("runs/reproduce"),
    download: options.DownloadOption = False,
    overwrite: options.OverwriteOption = False,
    device: options.DeviceOption = "auto",
    jobs: options.JobsAtOnceOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Measure a table or figure of the FRTM or A-GAME paper anew, the paper's figures beside ours.

    An interrupted run goes on when it is repeated: sequences that are done are not run again.

    Example: vosctl reproduce frtm-table1 --root DAVIS --sequences blackswan,goat
    """
    from vosctl.reproduction.target import target_named, targets

    if list_all:
        _show(as_json)
        return
    if not names:
        raise UsageError(f"name a table or figure: {', '.join(one.name for one in targets())}, or --list")
    values = dict(map(_values, sweep))
    chosen = [target_named(name) for name in names]
    chosen = [one.swept(values) if values else one for one in chosen]

    from vosctl.cli.train import data_paths
    from vosctl.reproduction.plan import Plan
    from vosctl.reproduction.run import reproduce as measure

    opened = open_dataset(dataset or _dataset_at(root), root, split, _names(sequences or ""))
    found = []
    try:
        with hold(output, is_folder=True), scoring.bar(quiet) as bar:
            plan = Plan(
                dataset=opened,
                folder=output,
                models=_names(models),
                progress=bar,
                device=device,
                jobs=jobs or 1,
                overwrite=overwrite,
                training_data=data_paths(data),
                download=download,
                budget=budget,
            )
            for target in chosen:
                if not quiet:
                    console.print(target.title, style="bold", markup=False)
                found.append(measure(target, plan))
    except KeyboardInterrupt:
        raise InterruptedRunError(
            "to go on: the same command again, without --overwrite; what is done is left out"
        ) from None
    if as_json:
        json_result.put({"results": [one.to_json() for one in found]})
        return
    _tell(found, output)


def _names(text: str) -> tuple[str, ...]:
    """A,B,C."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _dataset_at(root: Path | None) -> DatasetName:
    """The data set that a folder's layout is of."""
    metas = [root / split / "meta.json" for split in ("valid", "train")] if root else []
    return DatasetName.YTVOS18 if any(meta.is_file() for meta in metas) else DatasetName.DAVIS17


def _values(text: str) -> tuple[str, tuple[int | float, ...]]:
    """NAME=A,B,C."""
    name, _, values = text.partition("=")
    try:
        numbers = tuple(
            float(value) if "." in value or "e" in value else int(value) for value in values.split(",")
        )
    except ValueError:
        numbers = ()
    if not name or not numbers:
        raise UsageError(f"--sweep {text}: expected NAME=A,B,C, numbers with commas between them")
    return name, numbers


def _show(as_json: bool) -> None:
    from vosctl.reproduction.target import targets

    if as_json:
        fields = ("name", "title", "data", "needs", "hours")
        rows = [{name: getattr(one, name) for name in fields} for one in targets()]
        json_result.put({"targets": rows})
        return
    table = Table("name", "what it shows", "needs", "hours", box=None)
    for one in targets():
        table.add_row(one.name, one.title, one.needs, one.hours)
    print_result(table)


def _tell(found: "Sequence[Outcome]", folder: Path) -> None:
    for outcome in found:
        if outcome.columns:
            paper = outcome.paper_columns
            table = Table("", *outcome.columns, *(f"{name} (paper)" for name in paper), "", box=None)
            for row in outcome.rows:
                ours = [_figure(row.ours.get(name)) for name in outcome.columns]
                theirs = [_figure(row.paper.get(name)) for name in paper]
                table.add_row(row.label, *ours, *theirs, row.reason)
            print_result(outcome.title)
            print_result(table)
        print_line(folder / outcome.name / "index.html")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
