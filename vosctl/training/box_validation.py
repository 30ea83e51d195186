"""Scores of a box network in training, through the code that will run it."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vosctl.errors import DatasetError
from vosctl.evaluation.metrics import region_similarity
from vosctl.systems.box.network import BoxNetwork
from vosctl.tracking.from_boxes import rough_masks
from vosctl.training.boxed_objects import find_boxes
from vosctl.training.clips import is_left_out
from vosctl.training.pictures import MaskedPhotos, read_image, read_labels
from vosctl.training.recipe import Recipe
from vosctl.training.sample import VOID
from vosctl.training.validation import validation_sequences

_PHOTOS = "photographs"  # in the scores, among the names of sequences


@dataclass(frozen=True)
class BoxValidation:
    """First frames of sequences, and photographs that are kept from the training."""

    pictures: Mapping[str, tuple[tuple[Path, Path], ...]]
    """Pictures with their label maps, by the name of what is scored."""
    device: torch.device

    @classmethod
    def of(cls, recipe: Recipe, data: Mapping[str, Path], device: torch.device) -> "BoxValidation | None":
        """The validation that a recipe asks for, None if it asks for none.

        Raises:
            UsageError: its data is not named.
            DatasetError: its data has not all the sequences, or no photograph is kept.
        """
        pictures: dict[str, tuple[tuple[Path, Path], ...]] = {}
        if recipe.validation.data:
            for sequence in validation_sequences(recipe, data):
                pictures[sequence.name] = ((sequence.frames[0], sequence.labels[0]),)
        if name := recipe.validation.photos:
            without = tuple(p for source in recipe.sources if source.data == name for p in source.without)
            folder = data[name]
            pairs = MaskedPhotos.find(folder).pairs
            pictures[_PHOTOS] = tuple(pair for pair in pairs if is_left_out(pair[0].stem, without))
            if not pictures[_PHOTOS]:
                raise DatasetError(f"{folder}: the sources leave out no photograph that could be scored")
        return cls(pictures, device) if pictures else None

    def score(self, state: Mapping[str, Tensor]) -> dict[str, float]:
        """Intersection over union in percent, of the boxes of the true masks, the mean over the objects.

        Args:
            state: parameters of the network in training.
        """
        network = BoxNetwork()
        network.load_state_dict(state)
        network = network.eval().requires_grad_(False).to(self.device)
        return {name: 100 * self._score(network, some) for name, some in self.pictures.items()}

    def _score(self, network: BoxNetwork, pictures: tuple[tuple[Path, Path], ...]) -> float:
        scores = []
        for image_path, labels_path in pictures:
            image = (read_image(image_path) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
            labels = read_labels(labels_path)
            counted = (labels != VOID).numpy()
            for object_id, box in find_boxes(labels).items():
                found = rough_masks(network, image, {object_id: box}) == object_id
                scores.append(region_similarity(found & counted, (labels == object_id).numpy()))
        return statistics.fmean(scores) if scores else 0.0
