"""The check that every system's training passes: an interrupted run is the run."""

from collections.abc import Mapping
from pathlib import Path

import torch

from vosctl.training.checkpoint import Checkpoint, read_checkpoint
from vosctl.training.recipe import Recipe
from vosctl.training.trainer import Trainer

CPU = torch.device("cpu")


def run_twice(recipe: Recipe, data: Mapping[str, Path], folder: Path) -> tuple[Checkpoint, Checkpoint]:
    """Run a recipe in folder/whole, and in folder/parts with a break: the parameters end equal.

    Returns:
        The last checkpoint of either.
    """
    whole = Trainer(recipe, data, folder / "whole", CPU)
    whole.run()
    Trainer(recipe, data, folder / "parts", CPU).run(until=2)
    torch.rand(7)  # what else happens in the process must not matter
    resumed = Trainer(recipe, data, folder / "parts", CPU, resume=True)
    assert resumed.step == 2
    resumed.run()
    a, b = (read_checkpoint(t.checkpoint_path) for t in (whole, resumed))
    assert a.step == b.step == recipe.total_steps
    for part in ("network", "average"):
        for name, value in getattr(a, part).items():
            assert torch.equal(value, getattr(b, part)[name]), name
    return a, b
