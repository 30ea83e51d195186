"""The network that a recipe trains, and what scores it: those that the recipe's system names."""

from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Protocol, cast

import torch
from torch import Tensor

from vosctl.errors import UsageError
from vosctl.systems.catalogue import system_named
from vosctl.systems.spec import TrainingSpec
from vosctl.training.backbone_training import BackboneTraining
from vosctl.training.recipe import Recipe


class Scorer(Protocol):
    """Scores a network in training."""

    def score(self, state: Mapping[str, Tensor]) -> dict[str, float]:
        """Scores in percent by the name of what they are of, from the network's parameters."""
        ...


def training_of(system: str) -> TrainingSpec:
    """How a system is trained.

    Raises:
        UsageError: it is not trained here.
    """
    spec = system_named(system)
    if spec.training is None:
        raise UsageError(f'system = "{system}": {spec.title} cannot be trained; choose another system')
    return spec.training


def make_network(recipe: Recipe) -> BackboneTraining:
    """The system's network with what belongs to its training, at its random start."""
    return cast(BackboneTraining, resolve_name(training_of(recipe.model.system).network)(recipe))


def make_validation(recipe: Recipe, data: Mapping[str, Path], device: torch.device) -> Scorer | None:
    """The validation that a recipe asks for, None if it asks for none.

    Raises:
        UsageError: its data is not named.
        DatasetError: its data is missing, or has not all that is to be scored.
    """
    validation = resolve_name(training_of(recipe.model.system).validation)
    return cast(Scorer | None, validation.of(recipe, data, device))
