"""Tests of `box_network` and `box_validation`.

Tests training/box_validation.py too.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.small import overlap, tiny_backbone, tiny_model
from tests.training.resuming import run_twice
from vosctl.errors import UsageError, WeightsError
from vosctl.systems.box.network import read_box_network
from vosctl.systems.registry import load_model
from vosctl.systems.weights_file import read_weights, write_weights
from vosctl.tracking.from_boxes import segment_boxes
from vosctl.training.batches import Batches
from vosctl.training.boxed_objects import find_boxes
from vosctl.training.export import export_checkpoint
from vosctl.training.frtm_network import StepPlan
from vosctl.training.pictures import read_labels
from vosctl.training.recipe import Recipe
from vosctl.training.recipe_file import read_recipe
from vosctl.training.trainer import Trainer

CPU = torch.device("cpu")
RECIPE = """
seed = 3
precision = "float32"
workers = 0
checkpoint_every = 1000
log_every = 1

[model]
system = "box"

[[sources]]
kind = "boxes"
data = "objects"
without = ["5"]

[[stages]]
steps = 4
batch = 4
size = [256, 256]
frames = 1

[loss]
iou = 0.5

[optimizer]
learning_rate = 2e-3
warmup = 5
ema = 0.8
"""


def recipe_of(folder: Path, *changes: tuple[str, str]) -> Recipe:
    text = RECIPE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "recipe.toml"
    path.write_text(text)
    return read_recipe(path)


def test_a_trained_network_finds_an_object_in_its_box(data: dict[str, Path], tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, ("steps = 4", "steps = 30"))
    validation = replace(recipe.validation, data="clips", photos="objects", every=30)
    trainer = Trainer(replace(recipe, validation=validation), data, tmp_path / "run", CPU)
    frozen = trainer.network.backbone.conv1.weight.clone()
    unseen = Batches(recipe, data, rank=1)[0]
    plan = StepPlan(seed=1, drift=False, ordered=False, train_stem=False, frozen_statistics=False)

    def loss() -> float:
        with torch.no_grad():
            terms = trainer.network(unseen.images.float() / 255, unseen.masks, unseen.present, plan)
        return float(terms["loss"])

    before = loss()
    trainer.run()
    assert loss() < 0.4 * before
    assert torch.equal(trainer.network.backbone.conv1.weight, frozen)
    scores = trainer.history[-1]["sequences"]
    assert set(scores) == {"one", "two", "photographs"}
    assert scores["photographs"] > 70

    path = tmp_path / "box.pt"
    export_checkpoint(trainer.checkpoint_path, path)
    assert read_weights(path).architecture == "box-rn18"
    picture = np.array(Image.open(data["objects"] / "images" / "5.jpg"))  # which the training left out
    labels = read_labels(data["objects"] / "masks" / "5.png")
    found = segment_boxes(tiny_model(), read_box_network(CPU, path), picture, find_boxes(labels))
    assert overlap(found == 1, labels.numpy() == 1) > 0.7
    with pytest.raises(WeightsError, match="it tracks nothing"):
        load_model(str(path))


def test_a_resumed_run_is_the_run(data: dict[str, Path], tmp_path: Path) -> None:
    run_twice(recipe_of(tmp_path), data, tmp_path)


def test_it_starts_from_a_tracker_and_from_an_earlier_one(data: dict[str, Path], tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, ('system = "box"', 'system = "box"\nstart = "start"'))
    backbone = tiny_backbone(4)
    state = {f"backbone.{name}": value for name, value in backbone.state_dict().items()}
    start = tmp_path / "start.pt"
    write_weights(start, "frtm-rn18", {**state, "refinement.x": torch.zeros(1)}, {})
    first = Trainer(recipe, {**data, "start": start}, tmp_path / "first", CPU)
    wanted = backbone.state_dict()["layer3.1.conv2.weight"].half().float()
    assert torch.equal(first.network.backbone.state_dict()["layer3.1.conv2.weight"], wanted)
    first.run(until=1)
    export_checkpoint(first.checkpoint_path, start)
    second = Trainer(recipe, {**data, "start": start}, tmp_path / "second", CPU)
    found = second.network.state_dict()["box.last.weight"]
    assert torch.equal(found, first.average.values["box.last.weight"].half().float())


def test_recipes_that_do_not_fit(tmp_path: Path) -> None:
    for change, message in [
        (('kind = "boxes"', 'kind = "still"'), 'kind = "boxes" and system = "box" go together'),
        (("frames = 1", "frames = 2"), r"needs frames = 1, objects = 1, size = \[256, 256\]"),
        (('system = "box"', 'system = "box"\nbackbone = "resnet50"'), 'has backbone = "resnet18"'),
    ]:
        with pytest.raises(UsageError, match=message):
            recipe_of(tmp_path, change)
