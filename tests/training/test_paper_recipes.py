"""The recipes of both papers: their numbers as printed, and a few steps of each on made-up clips.

Tests training/dry_run.py too.
"""

from pathlib import Path

import pytest
import torch

from tests.evaluation.small_davis import moving_objects, save_davis
from vosctl.errors import UsageError
from vosctl.training.batches import some_of
from vosctl.training.dry_run import try_recipe
from vosctl.training.optimization import make_optimizer, rate_at, weight_decay_at
from vosctl.training.recipe import OptimizerRecipe
from vosctl.training.recipe_file import read_recipe
from vosctl.training.trainer import Trainer

PAPER = Path(__file__).parents[2] / "recipes" / "paper"
SMALL = [
    'model.start=""', "stages.steps=1", "stages.batch=1", "stages.size=[64, 96]", "stages.frames=3",
    "workers=0", 'validation.data=""',
]  # fmt: skip
CLIPS = 'sources=[{kind="clips", data="ytvos", weight=0.5}, {kind="clips", data="davis", weight=0.5}]'


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Path]:
    root = save_davis(tmp_path / "DAVIS", {name: moving_objects(5, (1,)) for name in ("ant", "bee")})
    return {"davis": root, "ytvos": root}


@pytest.mark.parametrize("name", ["frtm-rn101", "frtm-rn18", "base-net-rn18"])
def test_frtms_numbers_of_section_3_3(name: str) -> None:
    recipe = read_recipe(PAPER / f"{name}.toml")
    first, second = recipe.stages
    assert (first.steps * first.batch, second.steps / first.steps) == (10**6, 60 / 120)
    assert [rate_at(recipe, step) for step in (0, first.steps - 1, first.steps)] == [1e-3, 1e-3, 1e-4]
    assert weight_decay_at(recipe, 0) == 1e-5
    assert {stage.frames for stage in recipe.stages} == {3}  # one reference, two validation frames
    optimizer = recipe.optimizer
    assert (optimizer.layer4_rate, optimizer.backbone_rate, optimizer.decoupled) == (0, 0, False)
    assert (recipe.loss.bce, recipe.loss.iou, recipe.model.prior) == (1, 0, False)
    assert recipe.target.schedule == ((5, 10, 10, 10, 10) if name == "frtm-rn101" else (5, 10, 10, 10))
    weights = {source.data: source.weight for source in recipe.sources}
    if "davis" in weights:
        assert weights["davis"] / weights["ytvos"] == pytest.approx(8 * 60 / 3471, abs=0.002)


def test_agames_numbers_of_section_3_4() -> None:
    recipe = read_recipe(PAPER / "agame-rn101.toml")
    first, second = recipe.stages
    assert (first.batch, first.frames, first.size, first.sources) == (4, 8, (240, 432), ())
    assert (second.batch, second.frames, second.sources) == (2, 14, ("davis", "ytvos"))
    assert first.rates == (1e-4, pytest.approx(1e-4 * 0.95**80, rel=0.01))
    assert second.rates == (1e-5, pytest.approx(1e-5 * 0.985**100, rel=0.01))
    assert [weight_decay_at(recipe, step) for step in (0, first.steps)] == [1e-5, 1e-6]
    assert recipe.validation.patience > 0
    assert (recipe.optimizer.layer4_rate, recipe.optimizer.backbone_rate) == (1, 0)


@pytest.mark.parametrize("name", ["frtm-rn18", "base-net-rn18", "agame-rn101"])
def test_a_few_steps_of_each(name: str, data: dict[str, Path], tmp_path: Path) -> None:
    stages = ["stages.sources=[]"] if name.startswith("agame") else []
    width = ["agame.width=16", "agame.encoding=8", "model.backbone=resnet18"] if stages else []
    recipe = read_recipe(PAPER / f"{name}.toml", [*SMALL, CLIPS, *stages, *width, "precision=float32"])
    trainer = Trainer(recipe, data, tmp_path / "run", torch.device("cpu"))
    frozen = {k: v.clone() for k, v in trainer.network.backbone.state_dict().items() if "layer4" not in k}
    trainer.run()
    assert trainer.step == 2
    assert (tmp_path / "run" / "checkpoint.pt").is_file()
    state = trainer.network.backbone.state_dict()
    assert all(torch.equal(state[key], value) for key, value in frozen.items())


def test_a_dry_run_tells_what_it_would_take_and_leaves_nothing(data: dict[str, Path]) -> None:
    values = [*SMALL, CLIPS, "sources.0.share=0.5", "stages.0.steps=900"]
    found = try_recipe(read_recipe(PAPER / "frtm-rn18.toml", values), data, torch.device("cpu"))
    assert [(one.data, one.sequences) for one in found.sources] == [("ytvos", 1), ("davis", 2)]
    assert found.steps == 901
    assert found.hours == pytest.approx(sum(s.steps * s.seconds_per_step for s in found.stages) / 3600)
    assert "901 steps" in found.text()
    assert found.parameters > 10_000


def test_stages_draw_from_their_own_sources(data: dict[str, Path], tmp_path: Path) -> None:
    recipe = read_recipe(PAPER / "frtm-rn18.toml", [*SMALL, CLIPS, 'stages.1.sources=["davis"]'])
    trainer = Trainer(recipe, data, tmp_path / "run", torch.device("cpu"))
    assert [shares.tolist() for shares in trainer.batches.shares] == [[0.5, 0.5], [0.0, 1.0]]
    with pytest.raises(UsageError, match=r"stages\.sources has 'photos', expected some of davis"):
        read_recipe(PAPER / "frtm-rn18.toml", [*SMALL, CLIPS, 'stages.0.sources=["photos"]'])


def test_of_two_shares_the_smaller_is_in_the_larger() -> None:
    everything = list(range(40))
    quarter, half = (set(some_of(everything, share)) for share in (0.25, 0.5))
    assert (len(quarter), len(half)) == (10, 20)
    assert quarter < half
    assert some_of(everything, 1.0) == everything


@pytest.mark.parametrize(("decoupled", "moves"), [(True, False), (False, True)])
def test_decay_in_the_gradient_is_what_adam_scales(decoupled: bool, moves: bool) -> None:
    layer = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.constant_(layer.weight, 1.0)
    optimizer = make_optimizer(
        layer, OptimizerRecipe(weight_decay=1e-5, decoupled=decoupled, learning_rate=0.1)
    )
    layer(torch.zeros(1, 2)).sum().backward()
    optimizer.step()
    # With no other gradient Adam makes a whole step of the decay; AdamW shrinks by 1e-6.
    assert bool((layer.weight < 0.95).all()) is moves
