"""The score of a model in training, through the tracker that will run it."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from numpy.typing import NDArray
from torch import Tensor

from vosctl.errors import DatasetError
from vosctl.evaluation.metrics import contour_accuracy, region_similarity
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker
from vosctl.training.clips import Sequence, open_sequences
from vosctl.training.networks import make_network
from vosctl.training.pictures import read_image, read_labels
from vosctl.training.recipe import Recipe
from vosctl.training.sample import VOID


@dataclass(frozen=True)
class Validation:
    """Sequences with label maps, and how they are run."""

    sequences: tuple[Sequence, ...]
    height: int
    recipe: Recipe
    device: torch.device
    dtype: torch.dtype

    @classmethod
    def of(cls, recipe: Recipe, data: Mapping[str, Path], device: torch.device) -> "Validation | None":
        """The validation that a recipe asks for, None if it asks for none.

        Raises:
            UsageError: its data is not named.
            DatasetError: its data is missing, or has not all the sequences.
        """
        if not recipe.validation.data:
            return None
        dtype = torch.bfloat16 if recipe.precision == "bf16" else torch.float32
        return cls(validation_sequences(recipe, data), recipe.validation.height, recipe, device, dtype)

    def score(self, state: Mapping[str, Tensor]) -> dict[str, float]:
        """J&F in percent of each sequence: the mean over its objects and frames, without the first and last
        frame.

        Args:
            state: parameters of the network in training.
        """
        model = build_model(self.recipe, state).prepare(self.device, self.dtype)
        return {sequence.name: 100 * self._score_sequence(model, sequence) for sequence in self.sequences}

    def _score_sequence(self, model: Model, sequence: Sequence) -> float:
        frames = [self._small(read_image(path)) for path in sequence.frames]
        truth = []
        for path in sequence.labels:
            labels = read_labels(path)
            labels = F.interpolate(labels[None, None], size=frames[0].shape[:2], mode="nearest-exact")[0, 0]
            truth.append(np.where(labels.numpy() == VOID, 0, labels.numpy()).astype(np.uint8))
        tracked = [frame.labels for frame in Tracker(model, TrackerSettings()).run(frames, {0: truth[0]})]
        scores = []
        for object_id in (int(i) for i in np.unique(truth[0]) if i):
            for predicted, wanted in zip(tracked[1:-1], truth[1:-1], strict=True):
                pair = predicted == object_id, wanted == object_id
                scores.append((region_similarity(*pair) + contour_accuracy(*pair)) / 2)
        return statistics.fmean(scores) if scores else 0.0

    def _small(self, image: Tensor) -> NDArray[np.uint8]:
        """(3, h, w) in [0, 1] -> (H, W, 3) uint8 of the wanted height."""
        height = min(self.height, image.shape[1])
        size = (height, round(image.shape[2] * height / image.shape[1]))
        small = F.interpolate(image[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]
        return (small * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def validation_sequences(recipe: Recipe, data: Mapping[str, Path]) -> tuple[Sequence, ...]:
    """The sequences that a recipe validates on.

    Raises:
        DatasetError: their data has not all of them.
    """
    path = data[recipe.validation.data]
    found = {sequence.name: sequence for sequence in open_sequences(path)}
    names = recipe.validation.sequences or tuple(found)
    missing = [name for name in names if name not in found]
    if missing:
        raise DatasetError(f"{path} has no sequence {missing[0]!r}, which the recipe validates on")
    return tuple(found[name] for name in names)


def build_model(recipe: Recipe, state: Mapping[str, Tensor]) -> Model:
    """A model with the weights of a run, not yet prepared for a device."""
    network = make_network(recipe)
    network.load_state_dict(state)
    return network.model()
