from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.resuming import run_twice
from vosctl.errors import UsageError
from vosctl.systems.agame.model import AGAMEModel
from vosctl.systems.registry import load_model
from vosctl.training.agame_network import AGAMETrainingNetwork
from vosctl.training.batches import Batches
from vosctl.training.export import export_checkpoint
from vosctl.training.frtm_network import StepPlan
from vosctl.training.optimization import rate_at
from vosctl.training.recipe import Recipe
from vosctl.training.recipe_file import read_recipe
from vosctl.training.trainer import Trainer

CPU = torch.device("cpu")
PLAN = StepPlan(seed=1, drift=False, ordered=False, train_stem=False, frozen_statistics=False)
RECIPE = """
seed = 3
precision = "float32"
workers = 0
checkpoint_every = 1000
log_every = 1

[model]
system = "agame"

[agame]
width = 16
encoding = 8

[[sources]]
kind = "pasted"
data = "objects"
backgrounds = "photos"

[[stages]]
steps = 4
batch = 2
size = [64, 96]
frames = 3
frame_gap = 1
objects = 2
several = 0.5

[optimizer]
learning_rate = 3e-3
layer4_rate = 0.1
warmup = 5
"""


def recipe_of(folder: Path, **changes: str) -> Recipe:
    """The recipe above, with lines changed."""
    text = RECIPE
    for key, value in changes.items():
        old = next(line for line in text.splitlines() if line.startswith(f"{key} ="))
        text = text.replace(old, f"{key} = {value}")
    path = folder / "recipe.toml"
    path.write_text(text)
    return read_recipe(path)


def test_fifty_steps_lower_both_losses(data: dict[str, Path], tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, steps="50", several="0.0")
    trainer = Trainer(recipe, data, tmp_path / "run", CPU)
    unseen = [Batches(recipe, data, rank=1)[step] for step in range(4)]

    def losses() -> dict[str, float]:
        trainer.network.eval()
        with torch.no_grad():
            terms = [trainer.network(b.images.float() / 255, b.masks, b.present, PLAN) for b in unseen]
        return {name: float(torch.stack([t[name] for t in terms]).mean()) for name in ("bce", "coarse")}

    before = losses()
    trainer.run()
    after = losses()
    assert after["bce"] < 0.7 * before["bce"]
    assert after["coarse"] < 0.7 * before["coarse"]


def test_a_resumed_run_is_the_run(data: dict[str, Path], tmp_path: Path) -> None:
    run_twice(recipe_of(tmp_path), data, tmp_path)


def test_an_export_is_a_model_with_its_options(data: dict[str, Path], tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, encoding="8\nunimodal = true", steps="1")
    validation = replace(recipe.validation, data="clips", every=1, sequences=("two",), height=64)
    trainer = Trainer(replace(recipe, validation=validation), data, tmp_path / "run", CPU)
    trainer.run()
    assert trainer.history[-1]["step"] == 1
    path = tmp_path / "model.pt"
    export_checkpoint(trainer.checkpoint_path, path)
    model = load_model(str(path), device="cpu", precision="fp32")
    assert isinstance(model, AGAMEModel)
    assert model.network.options == recipe.agame
    assert model.network.options.unimodal
    wanted = trainer.average.values["agame.upsampling.predict.weight"].half().float()
    assert torch.equal(model.network.state_dict()["upsampling.predict.weight"], wanted)


def test_gradients_reach_every_frame_and_only_what_learns(data: dict[str, Path], tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, frames="4", several="1.0")
    torch.manual_seed(0)
    network = AGAMETrainingNetwork(recipe).train()
    batch = Batches(recipe, data)[0]
    images = (batch.images.float() / 255).requires_grad_()
    plan = replace(PLAN, train_stem=True)
    loss = network(images, batch.masks, batch.present, plan)["loss"]
    loss.backward()
    assert images.grad is not None
    assert (images.grad.flatten(2).abs().sum(2) > 0).all()  # the first frame too: its Gaussians are learned
    reached = {name for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached >= {
        n for n, _ in network.named_parameters() if n.startswith(("agame.", "backbone.layer4"))
    }
    assert not any(name.startswith("backbone.layer3") for name in reached)


def test_checkpointing_changes_nothing(data: dict[str, Path], tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, frames="4", several="1.0")
    batch = Batches(recipe, data)[0]
    found = []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        model = replace(recipe.model, checkpointing=checkpointing)
        network = AGAMETrainingNetwork(replace(recipe, model=model)).train()
        loss = network(batch.images.float() / 255, batch.masks, batch.present, PLAN)["loss"]
        loss.backward()
        found.append((loss.detach(), network.agame.fusion.conv1.weight.grad))
    torch.testing.assert_close(found[0], found[1])


def test_recipes_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"recipe\.toml: .*A-GAME needs frame_gap >= 1 and a size that 16 divides"
    ):
        recipe_of(tmp_path, frame_gap="0")
    with pytest.raises(UsageError, match=r"recipe\.toml: .*sees no object"):
        recipe_of(tmp_path, encoding="8\nappearance = false\nmask_propagation = false")
    with pytest.raises(UsageError, match="expected two learning rates"):
        recipe_of(tmp_path, several="0.5\nrates = [1e-3]")


def test_a_stages_own_rates_fall_exponentially(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, several="0.5\nrates = [1e-3, 1e-5]", steps="101")
    rates = [rate_at(recipe, step) for step in range(101)]
    assert (rates[0], rates[50], rates[100]) == pytest.approx((1e-3, 1e-4, 1e-5))
