"""Models that are trained for a row."""

from pathlib import Path

import pytest

from tests.evaluation.small_davis import Counted, moving_objects, save_davis
from vosctl.errors import UsageError
from vosctl.evaluation.datasets import DatasetName, open_dataset
from vosctl.reproduction.plan import Plan
from vosctl.reproduction.target import Row
from vosctl.reproduction.training import recipe_of, scaled, trained_model

RECIPE = """
seed = 1
precision = "float32"
workers = 0
[model]
backbone = "resnet18"
[[sources]]
kind = "clips"
data = "davis"
[[stages]]
steps = 300
batch = 1
size = [32, 48]
frames = 2
[[stages]]
steps = 100
batch = 1
size = [32, 48]
frames = 2
"""


def test_a_budget_is_dealt_out_to_the_stages_as_their_own_steps_are() -> None:
    recipe = recipe_of(Row("one", recipe="ablation-agame.toml", overrides=("agame.unimodal=true",)))
    assert recipe.agame.unimodal
    short = scaled(recipe, 42)
    assert [stage.steps for stage in short.stages] == [30, 12]
    assert short.optimizer.warmup == 4
    assert [stage.steps for stage in scaled(recipe, 1).stages] == [1, 1]


def test_a_model_is_trained_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "small.toml").write_text(RECIPE)
    root = save_davis(tmp_path / "DAVIS", {"ant": moving_objects(4, (1,))})
    dataset = open_dataset(DatasetName.DAVIS17, root)
    row = Row("Ours, 50 %", recipe="small.toml")
    common = {
        "dataset": dataset,
        "folder": tmp_path / "out",
        "models": (),
        "progress": Counted(),
        "device": "cpu",
    }
    with pytest.raises(UsageError, match="give --budget MINUTES"):
        trained_model(row, Plan(**common))
    plan = Plan(**common, budget=0.01, training_data={"davis": root})
    path, note = trained_model(row, plan)
    assert path.is_file()
    assert "of the recipe's 400" in note
    again, same = trained_model(row, Plan(**common))  # no budget any more: it is there
    assert (again, same) == (path, note)
