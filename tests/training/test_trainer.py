"""Tests of `trainer`, with its parts `batches`, `backbone_training`, `checkpoint`, `export`, `optimization`,
`validation` and `plot`.

Tests training/batches.py, training/checkpoint.py, training/export.py, training/optimization.py and
training/validation.py too.
"""

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tests.small import tiny_backbone
from tests.training.conftest import RECIPE
from tests.training.resuming import run_twice
from vosctl.errors import DatasetError, UsageError, VosctlError, WeightsError
from vosctl.systems.registry import load_model
from vosctl.systems.weights_file import file_sha256, write_weights
from vosctl.training.batches import Batches
from vosctl.training.checkpoint import read_checkpoint
from vosctl.training.export import export_checkpoint
from vosctl.training.frtm_network import StepPlan, TrainingNetwork
from vosctl.training.log import read_log
from vosctl.training.optimization import MovingAverage, learning_rate
from vosctl.training.recipe import OptimizerRecipe, Recipe
from vosctl.training.recipe_file import read_recipe
from vosctl.training.start import load_backbone
from vosctl.training.trainer import Progress, Trainer

CPU = torch.device("cpu")
VALIDATION = """
[validation]
data = "clips"
every = 2
sequences = ["two"]
height = 64
"""


@pytest.fixture
def recipe(recipe_file: Path) -> Recipe:
    return read_recipe(recipe_file)


def test_a_resumed_run_is_the_run(whole_recipe_file: Path, data: dict[str, Path], tmp_path: Path) -> None:
    recipe = read_recipe(whole_recipe_file)
    a, b = run_twice(recipe, data, tmp_path)
    for index, state in a.optimizer["state"].items():
        assert all(torch.equal(v, b.optimizer["state"][index][k]) for k, v in state.items())
    logs = [[line["loss"] for line in read_log(tmp_path / run / "log.jsonl")] for run in ("whole", "parts")]
    assert logs[0] == logs[1]
    assert len(logs[0]) == recipe.total_steps


def test_batches_depend_on_seed_step_and_rank_alone(recipe: Recipe, data: dict[str, Path]) -> None:
    batches = Batches(recipe, data)
    batches[0]
    a, b = batches[3], Batches(recipe, data)[3]
    assert torch.equal(a.images, b.images)
    assert torch.equal(a.masks, b.masks)
    other = Batches(recipe, data, rank=1)[3]
    assert other.masks.shape == a.masks.shape
    assert not torch.equal(a.images, other.images)


def test_fifty_steps_halve_the_loss(recipe_file: Path, data: dict[str, Path], tmp_path: Path) -> None:
    text = RECIPE.format(steps=50, rate=0.0).replace("several = 0.5", "several = 0.0")
    recipe_file.write_text(text.replace("drift = 0.5", "drift = 0.0").replace("freeze_statistics = 0.5", ""))
    trainer = Trainer(read_recipe(recipe_file), data, tmp_path / "run", CPU)
    unseen = [Batches(trainer.recipe, data, rank=1)[step] for step in range(6)]
    plan = StepPlan(seed=1, drift=False, ordered=False, train_stem=False, frozen_statistics=True)

    def loss() -> float:
        trainer.network.eval()
        with torch.no_grad():
            terms = [trainer.network(b.images.float() / 255, b.masks, b.present, plan)["bce"] for b in unseen]
        return float(torch.stack(terms).mean())

    before = loss()
    trainer.run()
    assert loss() < 0.5 * before


def test_validation_and_plot(recipe_file: Path, data: dict[str, Path], tmp_path: Path) -> None:
    recipe_file.write_text(recipe_file.read_text() + VALIDATION)
    trainer = Trainer(read_recipe(recipe_file), data, tmp_path / "run", CPU)
    trainer.run()
    scores = [line for line in read_log(tmp_path / "run" / "log.jsonl") if "validation" in line]
    assert [line["step"] for line in scores] == [2, 4]
    assert all(set(line["sequences"]) == {"two"} and 0 <= line["validation"] <= 100 for line in scores)
    assert (tmp_path / "run" / "plot.svg").is_file()
    assert read_checkpoint(trainer.checkpoint_path).run["validation"][-1]["step"] == 4


def test_an_export_is_a_model(recipe_file: Path, data: dict[str, Path], tmp_path: Path) -> None:
    recipe_file.write_text(recipe_file.read_text() + VALIDATION)
    trainer = Trainer(read_recipe(recipe_file), data, tmp_path / "run", CPU)
    trainer.run(until=2)
    path = tmp_path / "model.pt"
    sha256 = export_checkpoint(trainer.checkpoint_path, path, {"license": "for tests"})
    model = load_model(str(path), device="cpu", precision="fp32")
    assert model.sha256 == sha256
    wanted = trainer.average.values["refinement.project.conv2.weight"].half().float()
    assert model.refinement is not None
    assert torch.equal(model.refinement.project.conv2.weight, wanted)
    card = path.with_suffix(".json").read_text()
    assert all(
        text in card
        for text in ("for tests", '"seed": 3', '"trained_steps": 2', '"two"', sha256, "frtm-rn18")
    )
    assert str(tmp_path) not in card


def test_a_run_that_was_begun_with_an_old_recipe_goes_on_and_is_exported(
    recipe_file: Path, data: dict[str, Path], tmp_path: Path
) -> None:
    """`frame_gap` was `step` once, and a checkpoint holds its recipe's text."""
    recipe = read_recipe(recipe_file)
    old = recipe.text.replace("steps = 4", "steps = 4\nstep = 1")
    Trainer(replace(recipe, text=old), data, tmp_path / "run", CPU).run(until=1)
    lines: list[Progress] = []
    resumed = Trainer(recipe, data, tmp_path / "run", CPU, resume=True, report=lines.append)
    assert [line.warning for line in lines] == [
        "the recipe is not the one that the run began with; going on by the new one"
    ]
    assert resumed.step == 1
    export_checkpoint(tmp_path / "run/checkpoint.pt", tmp_path / "first.pt")
    export_checkpoint(
        tmp_path / "run/checkpoint.pt", tmp_path / "mean.pt", blend=(tmp_path / "first.pt", 0.5)
    )
    assert json.loads((tmp_path / "mean.json").read_text())["recipe"]["stages"][0]["frame_gap"] == 1


def test_an_export_may_be_a_mean_with_an_earlier_model(
    recipe_file: Path, data: dict[str, Path], tmp_path: Path
) -> None:
    torch.manual_seed(5)
    earlier = TrainingNetwork(read_recipe(recipe_file)).state_dict()
    write_weights(tmp_path / "earlier.pt", "frtm-rn18", earlier, {})
    trainer = Trainer(read_recipe(recipe_file), data, tmp_path / "run", CPU)
    trainer.run(until=1)
    export_checkpoint(trainer.checkpoint_path, tmp_path / "m.pt", blend=(tmp_path / "earlier.pt", 0.75))
    model = load_model(str(tmp_path / "m.pt"), device="cpu", precision="fp32")
    assert model.refinement is not None
    name = "refinement.project.conv2.weight"
    expected = 0.25 * trainer.average.values[name] + 0.75 * earlier[name]
    found = model.refinement.project.conv2.weight
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)  # half precision in the files
    card = json.loads((tmp_path / "m.json").read_text())
    assert card["blended_with"] == {"sha256": file_sha256(tmp_path / "earlier.pt"), "share": 0.75}
    assert card["validation"] is None


def test_a_loss_that_is_not_finite_stops_the_run(
    recipe_file: Path, data: dict[str, Path], tmp_path: Path
) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("steps = 4", "steps = 20"))
    warnings: list[Progress] = []
    trainer = Trainer(
        read_recipe(recipe_file),
        data,
        tmp_path / "run",
        CPU,
        report=lambda p: warnings.append(p) if p.warning else None,
    )
    with torch.no_grad():
        trainer.network.refinement.project.conv2.bias.fill_(math.nan)
    before = trainer.network.backbone.conv1.weight.clone()
    with pytest.raises(VosctlError, match="10 steps in a row"):
        trainer.run()
    assert len(warnings) == 10
    assert "step 0" in warnings[0].warning
    assert torch.equal(before, trainer.network.backbone.conv1.weight)


def test_a_start_is_used_and_given_statistics(
    recipe_file: Path, data: dict[str, Path], tmp_path: Path
) -> None:
    state = {k: v for k, v in tiny_backbone().state_dict().items() if not k.startswith("layer4")}
    torch.save({k: v.half() if v.dim() == 4 else v for k, v in state.items()}, tmp_path / "start.pth")
    recipe_file.write_text(recipe_file.read_text() + '\n[model]\nstart = "start"\n')
    trainer = Trainer(
        read_recipe(recipe_file), {**data, "start": tmp_path / "start.pth"}, tmp_path / "run", CPU
    )
    assert torch.equal(trainer.network.backbone.conv1.weight, state["conv1.weight"].half().float())
    assert trainer.network.backbone.bn1.running_mean.any()
    with pytest.raises(UsageError, match=r"conv1\.weight is missing"):
        load_backbone(trainer.network.backbone, {"x": torch.zeros(1)}, tmp_path / "other.pth")


def test_runs_are_not_overwritten_by_mistake(recipe: Recipe, data: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to resume"):
        Trainer(recipe, data, tmp_path / "run", CPU, resume=True)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"PK damaged")
    with pytest.raises(UsageError, match="--resume, or choose another folder"):
        Trainer(recipe, data, tmp_path / "run", CPU)
    with pytest.raises(WeightsError, match=r"checkpoint\.pt"):
        Trainer(recipe, data, tmp_path / "run", CPU, resume=True)


def test_data_that_is_not_named_is_asked_for(recipe: Recipe, data: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give --data photos=PATH"):
        Trainer(recipe, {"objects": data["objects"]}, tmp_path, CPU)
    model = replace(recipe.model, start="start", refinement_start="other")
    validation = replace(recipe.validation, data="val")
    needy = replace(recipe, model=model, validation=validation)
    with pytest.raises(UsageError, match="give --data start=PATH --data other=PATH --data val=PATH"):
        Trainer(needy, data, tmp_path, CPU)
    assert needy.data_names(resume=True) == ["objects", "photos", "val"]
    nowhere = {**data, "start": data["photos"], "other": data["photos"], "val": tmp_path / "nowhere"}
    with pytest.raises(DatasetError, match=r"'val'\) does not exist"):
        Trainer(needy, nowhere, tmp_path, CPU)


def test_the_learning_rate_rises_and_falls() -> None:
    recipe = OptimizerRecipe(learning_rate=1.0, warmup=10, final_rate=0.1)
    rates = [learning_rate(step, 110, recipe) for step in range(110)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == pytest.approx(1.0)
    assert rates[60] == pytest.approx(0.55)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
    assert all(a >= b for a, b in pairwise(rates[10:]))


def test_the_average_follows_slowly_and_forgets_the_start() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(layer.weight, 0.0)
    average = MovingAverage(layer, decay=0.99)
    torch.nn.init.constant_(layer.weight, 1.0)
    average.update(layer, 0)
    assert float(average.values["weight"]) == pytest.approx(0.9)
    average.update(layer, 10_000)
    assert float(average.values["weight"]) == pytest.approx(0.901)
