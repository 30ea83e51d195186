"""Batches of training clips: what is in batch n is a function of the recipe's seed and n alone.

So a run that is resumed at step n needs nothing of the loader's past, and neither the number of worker
processes nor their speed changes a run.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from vosctl.errors import DatasetError, UsageError
from vosctl.training.augment import augment
from vosctl.training.boxed_objects import BoxedObjects, find_pictures
from vosctl.training.clips import RealClips, Sequence, open_sequences
from vosctl.training.distractors import WithDistractors
from vosctl.training.frtm_network import StepPlan
from vosctl.training.pasted_clips import PastedClips
from vosctl.training.recipe import Recipe, SourceRecipe
from vosctl.training.sample import Batch, ClipOptions, ClipSource, choose_objects
from vosctl.training.still_clips import StillClips

# A clip whose reference shows no object is drawn again, so many times at most.
_DRAWS = 5


def check_data(data: Mapping[str, Path], names: Collection[str]) -> None:
    """Make sure, before any work is done, that --data gives all names a path.

    Raises:
        UsageError: names are missing.
        DatasetError: there is nothing at a path.
    """
    missing = [name for name in names if name not in data]
    if missing:
        given = ", ".join(sorted(data)) or "nothing"
        options = " ".join(f"--data {name}=PATH" for name in missing)
        raise UsageError(f"the recipe asks for more data: give {options} (given: {given})")
    for name in names:
        if not data[name].exists():
            raise DatasetError(f"{data[name]} (the data {name!r}) does not exist")


def open_source(recipe: SourceRecipe, data: Mapping[str, Path], options: ClipOptions) -> ClipSource:
    """Open one source of clips.

    Args:
        recipe: the source's.
        data: where the data is, by name.
        options: what happens in clips that are made from photographs.

    Raises:
        DatasetError: its data is not as expected.
    """
    path = data[recipe.data]
    source: ClipSource
    if recipe.kind == "clips":
        source = RealClips(some_of(open_sequences(path), recipe.share), recipe.without)
    elif recipe.kind == "still":
        source = StillClips(path, options)
    elif recipe.kind == "boxes":
        source = BoxedObjects(find_pictures(path, recipe.without))
    else:
        source = PastedClips(path, data[recipe.backgrounds], options)
    if recipe.distractors:
        source = WithDistractors(source, data[recipe.objects], recipe.distractors, options)
    return source


def some_of(sequences: list[Sequence], share: float) -> list[Sequence]:
    """A share of the sequences, always the same; of two shares the smaller is a part of the larger."""
    order = np.random.default_rng(0).permutation(len(sequences))
    kept = sorted(order[: max(1, round(share * len(sequences)))])
    return [sequences[index] for index in kept]


class Batches(Dataset[Batch]):
    """The batches of a run; item n is the batch of step n.

    Args:
        recipe: the run's.
        data: where the data is, by name.
        rank: which of several processes this is; each has batches of its own.
    """

    def __init__(self, recipe: Recipe, data: Mapping[str, Path], rank: int = 0) -> None:
        self.recipe = recipe
        self.data = data
        self.rank = rank
        self.sources = [open_source(source, data, recipe.clips) for source in recipe.sources]
        self.shares = [_shares(recipe.sources, stage.sources) for stage in recipe.stages]

    def __len__(self) -> int:
        return self.recipe.total_steps

    def __getitem__(self, step: int) -> Batch:
        stage = self.recipe.stage_at(step)
        shares = self.shares[self.recipe.stages.index(stage)]
        shared = np.random.default_rng([self.recipe.seed, step])  # the same in all processes
        objects = stage.objects if shared.random() < stage.several else 1
        frame_gap = stage.frame_gap if StepPlan.of(self.recipe, step).ordered else 0
        images, masks, present = [], [], []
        for index in range(stage.batch):
            rng = np.random.default_rng([self.recipe.seed, step, self.rank, index])
            for _ in range(_DRAWS):
                source = self.sources[int(rng.choice(len(self.sources), p=shares))]
                clip = source.draw(rng, stage.frames, stage.size, frame_gap)
                clip_masks, there = choose_objects(clip.labels, rng, objects, self.recipe.merge)
                if there.any():
                    break
            pictures = augment(clip.images, rng, self.recipe.augmentation)
            images.append((pictures * 255).round().to(torch.uint8))
            masks.append(clip_masks)
            present.append(there)
        return Batch(torch.stack(images), torch.stack(masks), torch.stack(present))


def _shares(sources: tuple[SourceRecipe, ...], chosen: Collection[str]) -> NDArray[np.float64]:
    """How often clips come from each source: those whose data is chosen, or all of them."""
    weights = np.array([one.weight if not chosen or one.data in chosen else 0.0 for one in sources])
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares
