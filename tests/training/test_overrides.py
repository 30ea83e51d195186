import tomllib
from pathlib import Path

import pytest

from vosctl.errors import UsageError
from vosctl.training.overrides import override, to_toml
from vosctl.training.recipe_file import read_recipe

RECIPES = Path(__file__).parents[2] / "recipes"


def changed(*texts: str) -> dict:
    table = {"seed": 1, "optimizer": {"ema": 0.9}, "stages": [{"batch": 2, "size": [32, 32]}, {"batch": 4}]}
    for text in texts:
        override(table, text)
    return table


def test_values_tables_lists_and_single_entries() -> None:
    table = changed("seed=3", "optimizer.ema=0", "loss.iou=0.5", "stages.batch=1", "stages.1.size=[64, 96]")
    assert table == {
        "seed": 3,
        "optimizer": {"ema": 0},
        "loss": {"iou": 0.5},
        "stages": [{"batch": 1, "size": [32, 32]}, {"batch": 1, "size": [64, 96]}],
    }
    assert changed("precision=float32")["precision"] == "float32"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed", "expected KEY=VALUE"),
        ("=1", "expected KEY=VALUE"),
        ("stages.2.batch=1", r"the recipe has 2 \[\[stages\]\]"),
        ("seed.x=1", "seed is a value of the recipe"),
    ],
)
def test_what_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        changed(text)


@pytest.mark.parametrize("path", sorted(RECIPES.rglob("*.toml")), ids=lambda path: path.stem)
def test_a_recipe_comes_back_from_what_is_written(path: Path) -> None:
    table = tomllib.loads(path.read_text())
    assert tomllib.loads(to_toml(table)) == table


def test_a_recipe_is_checked_with_its_new_values() -> None:
    recipe = read_recipe(RECIPES / "frtm-rn18-gpu.toml", ["optimizer.learning_rate=1e-4", "seed=5"])
    assert (recipe.optimizer.learning_rate, recipe.seed) == (1e-4, 5)
    assert tomllib.loads(recipe.text)["seed"] == 5
    with pytest.raises(UsageError, match=r"unknown key 'optimizer\.rate'"):
        read_recipe(RECIPES / "frtm-rn18-gpu.toml", ["optimizer.rate=1"])
