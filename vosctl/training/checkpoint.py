"""Checkpoints: everything that a run needs to go on as if it had never stopped."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vosctl.errors import WeightsError
from vosctl.systems.weights_file import read_tensors, write_tensors

FORMAT = 1


@dataclass
class Checkpoint:
    """The state after `step` optimiser steps."""

    step: int
    network: dict[str, Tensor]
    """Parameters and buffers under `backbone.`, and `refinement.`, `agame.` or `box.`."""
    average: dict[str, Tensor]
    """Their moving average; what is exported."""
    optimizer: dict[str, Any]
    random: dict[str, Tensor]
    """States of torch's generators, `cpu` and perhaps `cuda`."""
    recipe: str
    """The recipe's text."""
    run: dict[str, Any]
    """What a card tells of the run: architecture, seed, version, data, validation scores."""

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        write_tensors(path, {"checkpoint_format": FORMAT, **self.__dict__})


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; runs no code from the file.

    Raises:
        WeightsError: it is missing, damaged, or no checkpoint.
    """
    content = read_tensors(path)
    if content.pop("checkpoint_format", None) != FORMAT:
        raise WeightsError(f"{path}: not a training checkpoint of this version of vosctl")
    return Checkpoint(**content)


def random_state() -> dict[str, Tensor]:
    """The states of torch's generators."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: dict[str, Tensor]) -> None:
    """Put torch's generators into a state that `random_state` gave."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
