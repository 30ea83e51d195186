"""Models that are trained for a row, within a budget of minutes; they are kept for later."""

from dataclasses import replace
from pathlib import Path

from vosctl.compute.devices import choose_device
from vosctl.errors import UsageError
from vosctl.files import make_folder, read_json, write_json
from vosctl.reproduction.plan import Plan
from vosctl.reproduction.target import Row
from vosctl.training.dry_run import try_recipe
from vosctl.training.export import export_checkpoint
from vosctl.training.recipe import Recipe
from vosctl.training.recipe_file import read_recipe
from vosctl.training.trainer import CHECKPOINT, Trainer

_RECIPES = "recipes"


def trained_model(row: Row, plan: Plan) -> tuple[Path, str]:
    """The model of a row's recipe: trained now, gone on with, or as an earlier run left it.

    Returns:
        The model file, and how it was trained, for people.

    Raises:
        UsageError: training was not asked for, or the recipe's data is not named.
        VosctlError: the training failed.
    """
    name = "".join(c if c.isalnum() else "-" for c in f"{Path(row.recipe).stem}-{row.label}").lower()
    folder = plan.folder / "trained" / name
    model, note = folder / f"{name}.pt", folder / "budget.json"
    if not model.is_file():
        if plan.budget is None:
            raise UsageError(
                "not trained: give --budget MINUTES, and the recipe's data with --data NAME=PATH"
            )
        _train(row, plan, folder, note)
        export_checkpoint(folder / "run" / CHECKPOINT, model, {"summary": f"{row.label}, for {row.recipe}"})
    known = read_json(note, "delete the folder and train again")
    steps, asked = known["steps"], known["steps_of_recipe"]
    return model, f"trained for {steps} steps ({known['minutes']:g} minutes) of the recipe's {asked}"


def recipe_of(row: Row) -> Recipe:
    """The recipe of a row, with the row's own values.

    Raises:
        UsageError: it cannot be read, or a value does not fit.
    """
    path = Path(__file__).parents[2] / _RECIPES / row.recipe
    if not path.is_file():
        path = Path(_RECIPES) / row.recipe
    return read_recipe(path, row.overrides)


def scaled(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with so many steps, dealt out to its stages as its own are; each stage has one at least."""
    share = steps / recipe.total_steps
    stages = tuple(replace(stage, steps=max(1, round(stage.steps * share))) for stage in recipe.stages)
    total = sum(stage.steps for stage in stages)
    return replace(
        recipe,
        stages=stages,
        checkpoint_every=max(1, min(recipe.checkpoint_every, total)),
        optimizer=replace(recipe.optimizer, warmup=min(recipe.optimizer.warmup, total // 10)),
    )


def _train(row: Row, plan: Plan, folder: Path, note: Path) -> None:
    assert plan.budget is not None
    make_folder(folder)
    recipe = recipe_of(row)
    device = choose_device(plan.device)
    if not note.is_file():
        seconds = _seconds_per_step(recipe, plan)
        steps = max(1, min(recipe.total_steps, int(60 * plan.budget / seconds)))
        write_json(note, {"steps": steps, "minutes": plan.budget, "steps_of_recipe": recipe.total_steps})
    steps = int(read_json(note, "delete the folder and train again")["steps"])
    output = folder / "run"
    resume = (output / CHECKPOINT).is_file()
    Trainer(scaled(recipe, steps), plan.training_data, output, device, resume=resume).run()


def _seconds_per_step(recipe: Recipe, plan: Plan) -> float:
    """The time of a step, the mean over the recipe, by a few that are thrown away."""
    found = try_recipe(recipe, plan.training_data, choose_device(plan.device))
    return 3600 * found.hours / found.steps
