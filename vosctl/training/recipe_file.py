"""Reading a recipe: a TOML file becomes typed values that fit together, or one line says what does not."""

import dataclasses
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from vosctl.errors import UsageError
from vosctl.systems.backbone import STRIDE, backbone_names
from vosctl.systems.box.network import SIZE as BOX_SIZE
from vosctl.systems.catalogue import systems
from vosctl.systems.spec import TrainingSpec
from vosctl.training.overrides import override, to_toml
from vosctl.training.recipe import Recipe, SourceRecipe, StageRecipe
from vosctl.training.typed_table import read_table


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe.

    Args:
        path: the TOML file.
        overrides: values that differ from the file's, each as KEY=VALUE: see `overrides.override`.

    Raises:
        UsageError: the file is missing or is not TOML, or a key or value does not fit.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): expected a recipe, a TOML file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML file: {error}") from error
    file = str(path)
    for one in overrides:
        override(table, one)
    if overrides:
        text = "".join([*(f"# --set {one}\n" for one in overrides), to_toml(table)])
    _refuse_old_names(table, file)
    recipe = read_table(Recipe, table, file)
    _check(recipe, file)
    return dataclasses.replace(recipe, text=text)


def _refuse_old_names(table: dict[str, Any], file: str) -> None:
    stages = table.get("stages")
    if isinstance(stages, list) and any(isinstance(s, dict) and "step" in s for s in stages):
        raise UsageError(
            f"{file}: the key 'stages.step' is now called 'frame_gap': rename it; a run that was begun with "
            f"the old name goes on as before"
        )


def _check(recipe: Recipe, file: str) -> None:
    """Refuse values that are of the right type and yet do not fit, or do not fit together."""
    if not recipe.sources or not recipe.stages:
        raise UsageError(f"{file}: expected at least one [[sources]] and one [[stages]]")
    data = {source.data for source in recipe.sources}
    for name in (name for stage in recipe.stages for name in stage.sources if name not in data):
        raise UsageError(f"{file}: stages.sources has {name!r}, expected some of {', '.join(sorted(data))}")
    if not all(0 < source.share <= 1 for source in recipe.sources):
        raise UsageError(f"{file}: sources.share must be above 0 and at most 1")
    weights = [source.weight for source in recipe.sources]
    if sum(weights) <= 0 or min(weights) < 0:
        raise UsageError(f"{file}: the weights of the sources must be 0 or more, and not all 0")
    training = _check_model(recipe, file)
    for source in recipe.sources:
        _check_source(source, training, file)
    for stage in recipe.stages:
        _check_stage(stage, training, file)
    counts = (recipe.log_every, recipe.checkpoint_every, recipe.validation.every, recipe.optimizer.stem_every)
    if min(counts) < 1:
        raise UsageError(f"{file}: each of log_every, checkpoint_every, every, stem_every must be 1 or more")
    if training.check_recipe:
        resolve_name(training.check_recipe)(recipe, file)


def _check_model(recipe: Recipe, file: str) -> TrainingSpec:
    """How the recipe's system is trained; its name and the backbone's must be known."""
    trained = {spec.name: spec.training for spec in systems() if spec.training is not None}
    _check_choice("system", recipe.model.system, trained, file)
    _check_choice("backbone", recipe.model.backbone, backbone_names(), file)
    return trained[recipe.model.system]


def _check_choice(key: str, value: str, known: Collection[str], file: str) -> None:
    if value not in known:
        raise UsageError(f"{file}: 'model.{key}' is {value!r}, expected one of {', '.join(map(repr, known))}")


def _check_source(source: SourceRecipe, training: TrainingSpec, file: str) -> None:
    if source.kind not in training.source_kinds:
        kinds = " or ".join(f'"{kind}"' for kind in training.source_kinds)
        raise UsageError(
            f'{file}: sources of kind = "boxes" and system = "box" go together; this system takes {kinds}'
        )
    if source.kind == "pasted" and not source.backgrounds:
        raise UsageError(f'{file}: sources.backgrounds is missing (kind = "pasted" needs photographs)')
    if source.distractors and not source.objects:
        raise UsageError(f"{file}: sources.objects is missing (distractors are cut out of its photographs)")


def _check_stage(stage: StageRecipe, training: TrainingSpec, file: str) -> None:
    fewest = training.fewest_frames
    if min(stage.steps, stage.batch, stage.objects) < 1 or stage.frames < fewest or min(stage.size) < 32:
        raise UsageError(
            f"{file}: {stage}: a stage needs steps, batch, objects >= 1, frames >= 2, size >= 32"
        )
    if len(stage.rates) not in (0, 2) or min(stage.rates, default=1.0) <= 0:
        raise UsageError(f"{file}: rates = {list(stage.rates)}: expected two learning rates above 0")


def check_frtm(recipe: Recipe, file: str) -> None:
    """What is particular to a recipe of FRTM.

    Raises:
        UsageError: something does not fit.
    """
    _refuse_photos(recipe, file)
    if recipe.model.matching and not recipe.model.prior:
        raise UsageError(f"{file}: matching needs the prior: add prior = true to [model]")
    if recipe.loss.matching and not recipe.model.matching:
        raise UsageError(f"{file}: loss.matching needs matching = true in [model]")


def check_agame(recipe: Recipe, file: str) -> None:
    """What is particular to a recipe of A-GAME.

    Raises:
        UsageError: something does not fit.
    """
    _refuse_photos(recipe, file)
    _refuse_refinement_start(recipe, file)
    for stage in recipe.stages:
        if stage.frame_gap < 1 or any(side % STRIDE for side in stage.size):
            raise UsageError(f"{file}: {stage}: A-GAME needs frame_gap >= 1 and a size that 16 divides")


def check_base_net(recipe: Recipe, file: str) -> None:
    """What is particular to a recipe of Base net.

    Raises:
        UsageError: something does not fit.
    """
    _refuse_photos(recipe, file)
    _refuse_refinement_start(recipe, file)
    if recipe.model.prior:
        raise UsageError(f"{file}: Base net's S sees no prior; leave out prior = true")


def check_box(recipe: Recipe, file: str) -> None:
    """What is particular to a recipe of the box network.

    Raises:
        UsageError: something does not fit.
    """
    _refuse_refinement_start(recipe, file)
    if recipe.model.backbone != "resnet18":
        raise UsageError(f'{file}: the box network has backbone = "resnet18"')
    for stage in recipe.stages:
        if (stage.frames, stage.objects, *stage.size) != (1, 1, BOX_SIZE, BOX_SIZE):
            raise UsageError(
                f"{file}: {stage}: box needs frames = 1, objects = 1, size = [{BOX_SIZE}, {BOX_SIZE}]"
            )


def _refuse_photos(recipe: Recipe, file: str) -> None:
    if recipe.validation.photos:
        raise UsageError(f"{file}: validation.photos is for the box network")


def _refuse_refinement_start(recipe: Recipe, file: str) -> None:
    if recipe.model.refinement_start:
        raise UsageError(f"{file}: model.refinement_start is for FRTM, which has a refinement network")
