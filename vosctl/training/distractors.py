"""Things that get in the way: cut-out objects pasted over a clip that are not to be followed."""

from pathlib import Path

import numpy as np

from vosctl.training.pasted_clips import Cutouts, paste
from vosctl.training.sample import ClipSource, TrainingClip


class WithDistractors:
    """A source whose clips get one or two more objects now and then; they are background in the labels.

    Args:
        source: of the clips.
        objects: a folder of `images` and `masks` to cut from.
        probability: how often.
    """

    def __init__(self, source: ClipSource, objects: Path, probability: float) -> None:
        self.source = source
        self.cutouts = Cutouts(objects)
        self.probability = probability

    def draw(
        self, rng: np.random.Generator, frames: int, size: tuple[int, int], step: int = 0
    ) -> TrainingClip:
        """Draw a clip."""
        clip = self.source.draw(rng, frames, size, step)
        if rng.random() < self.probability:
            images, labels = list(clip.images.unbind()), clip.labels
            for _ in range(1 + int(rng.random() < 0.3)):
                cutout = self.cutouts.draw(rng, size, largest=0.5)
                if cutout is not None:
                    paste(cutout, images, labels, 0, rng, step)
        return clip
