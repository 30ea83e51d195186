"""Tests of `recipe_file`, `recipe` and `typed_table`.

Tests training/recipe.py and training/typed_table.py too.
"""

from pathlib import Path

import pytest

from vosctl.errors import UsageError
from vosctl.training.recipe_file import read_recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))


def test_values_reach_their_fields(recipe_file: Path) -> None:
    recipe = read_recipe(recipe_file)
    assert recipe.stages[0].size == (64, 96)
    assert recipe.optimizer.learning_rate == 2e-3
    assert recipe.sources[0].kind == "pasted"
    assert recipe.total_steps == 4
    assert recipe.text == recipe_file.read_text()


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.name)
def test_shipped_recipes_are_valid(path: Path) -> None:
    assert read_recipe(path).total_steps > 100


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "learning_rate",
            "learning_rte",
            "unknown key 'optimizer.learning_rte'; did you mean learning_rate?",
        ),
        ("seed = 3", "seed = 3.5", "'seed' is 3.5, expected a value of type int"),
        ("seed = 3", "seed = true", "'seed' is True, expected a value of type int"),
        ("size = [64, 96]", "size = [64]", "'stages.size' is [64], expected 2 values"),
        ("size = [64, 96]", "size = [64, 8]", "size >= 32"),
        ('kind = "pasted"', 'kind = "past"', "'sources.kind' is 'past', expected one of 'clips', 'still'"),
        ('backgrounds = "photos"', "", "sources.backgrounds is missing"),
        ("steps = 4", "", "'stages.steps' is missing"),
        ("seed = 3", "seed = 3\nloss = 3", "no TOML file"),
        ("seed = 3", "seed = ", "no TOML file"),
        ("[[sources]]", "[sources]", "expected a list"),
        ("log_every = 1", "log_every = 0", "must be 1 or more"),
        ("seed = 3", "text = 'x'", "unknown key 'text'"),
        ("steps = 4", "steps = 4\nstep = 8", "the key 'stages.step' is now called 'frame_gap': rename it"),
        (
            "[target]",
            "[clips]\ncrossing = 2\n[target]",
            "clips.crossing is 2.0, expected a share from 0 to 1",
        ),
        ("[target]", "[clips]\nside = [0.5, 0.1]\n[target]", "clips.side is [0.5, 0.1], expected two rising"),
        ("seed = 3", "validation.photos = 'x'", "validation.photos is for the box network"),
        ("seed = 3", "model.system = 'box'", 'sources of kind = "boxes" and system = "box" go together'),
    ],
)
def test_mistakes_are_named(recipe_file: Path, old: str, new: str, message: str) -> None:
    recipe_file.write_text(recipe_file.read_text().replace(old, new))
    with pytest.raises(UsageError) as error:
        read_recipe(recipe_file)
    assert message in str(error.value)
    assert str(recipe_file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml cannot be read"):
        read_recipe(tmp_path / "none.toml")


def test_stages_follow_each_other(recipe_file: Path) -> None:
    text = recipe_file.read_text()
    recipe_file.write_text(text + "\n[[stages]]\nsteps = 4\nbatch = 1\nsize = [96, 128]\n")
    recipe = read_recipe(recipe_file)
    assert [recipe.stage_at(step).batch for step in (0, 3, 4, 7)] == [2, 2, 1, 1]
    assert recipe.total_steps == 8
