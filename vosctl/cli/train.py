"""`vosctl train`: train a model by a recipe.

`--json`:

    checkpoint   its path
    steps        how many steps the whole training has

and with `--dry-run`:

    sources      [{data, path, kind, sequences}], sequences being null where they are not counted
    stages       [{steps, batch, size, frames, seconds_per_step}]
    steps        of all stages
    hours        all of them would take
    memory_mb    the most that a step took, of the device or else of the process
    parameters   how many are trained
"""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from vosctl.cli.console import console, print_line
from vosctl.cli.json_output import json_result
from vosctl.cli.options import MACHINE, DeviceOption, JsonOption, QuietOption
from vosctl.errors import InterruptedRunError, UsageError
from vosctl.media.claims import hold

RecipeArgument = Annotated[
    Path, typer.Argument(metavar="RECIPE.toml", help="What to train, on what and how.", show_default=False)
]
DataOption = Annotated[
    list[str],
    typer.Option(
        "--data",
        metavar="NAME=PATH",
        help="Where the data is that the recipe names; repeat for each. Clips: in the layout of DAVIS or "
        "YouTube-VOS, or packed (NAME.mp4, NAME_labels.mkv). Objects: a folder of images and masks.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="DIR", help="The run's folder: checkpoint, log, plot.", show_default=False
    ),
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --output.")]
SetOption = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A value that differs from the recipe's: optimizer.learning_rate=1e-4, stages.steps=100 (of all "
        "stages), stages.0.batch=2. May be repeated.",
        show_default=False,
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Train nothing: say what would be read, and what steps take in time and memory."
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        help="CPU threads of this process.",
        show_default="as torch chooses",
        rich_help_panel=MACHINE,
        envvar="VOSCTL_THREADS",
    ),
]


def train(
    recipe: RecipeArgument,
    data: DataOption,
    output: OutputOption = None,
    resume: ResumeOption = False,
    set_values: SetOption = [],  # noqa: B006 (typer's form of a repeatable option)
    dry_run: DryRunOption = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a model by a recipe. On several GPUs: torchrun --nproc-per-node N -m vosctl train ...

    An interrupted run goes on with --resume as if it had not been interrupted. 'vosctl weights export' makes
    a model file of its checkpoint.
    """
    import torch

    from vosctl.compute.devices import choose_device, fallback_note
    from vosctl.training.distributed import several_processes
    from vosctl.training.recipe_file import read_recipe
    from vosctl.training.trainer import Progress, Trainer

    content = read_recipe(recipe, set_values)
    paths = data_paths(data)
    place = choose_device(device)
    if note := fallback_note(device):
        console.print(f"note: {note}", markup=False)
    if threads is not None:
        torch.set_num_threads(threads)
    # Numbers so small that the CPU handles them in software cost much time and change nothing.
    torch.set_flush_denormal(True)

    if dry_run:
        from vosctl.training.dry_run import try_recipe

        found = try_recipe(content, paths, place)
        if as_json:
            json_result.put(found.to_json())
        else:
            print_line(found.text())
        return
    if output is None:
        raise UsageError("say where the run's checkpoint and log go with --output DIR")

    def report(progress: Progress) -> None:
        if progress.warning:
            console.print(f"[yellow]warning:[/] {escape(progress.warning)}")
        elif not quiet:
            left = (progress.total - progress.step) * progress.seconds_per_step / 60
            console.print(
                f"step {progress.step}/{progress.total}  loss {progress.loss:.3f}  "
                f"{progress.seconds_per_step:.2f} s/step  {left:.0f} min left"
            )

    # Of several processes, each in its turn would find the others at work.
    is_first = int(os.environ.get("RANK", "0")) == 0
    with hold(output if is_first else None, is_folder=True), several_processes(place) as own:
        trainer = Trainer(content, paths, output, own, resume=resume, report=report)
        try:
            trainer.run()
        except KeyboardInterrupt:
            has_begun = trainer.checkpoint_path.is_file()
            way = "to go on: add --resume" if has_begun else "nothing is to be kept yet: run the same again"
            raise InterruptedRunError(way) from None
        if trainer.is_main:
            if as_json:
                json_result.put({"checkpoint": str(trainer.checkpoint_path), "steps": content.total_steps})
            else:
                print_line(trainer.checkpoint_path)


def data_paths(data: list[str]) -> dict[str, Path]:
    """The paths of --data by name.

    Raises:
        UsageError: a value is not NAME=PATH, or a name is given twice.
    """
    paths: dict[str, Path] = {}
    for value in data:
        name, equals, path = value.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"--data {value}: expected NAME=PATH, NAME being one that the recipe uses")
        if name in paths:
            raise UsageError(f"--data {name}: given twice ({paths[name]} and {path})")
        paths[name] = Path(path).expanduser()
    return paths
