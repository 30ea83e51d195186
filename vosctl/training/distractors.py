"""Things that get in the way: cut-out objects pasted over a clip that are not to be followed."""

from pathlib import Path

import numpy as np

from vosctl.training.cutouts import Cutouts, paste
from vosctl.training.sample import ClipOptions, ClipSource, TrainingClip
from vosctl.training.ways import happens

_DEFAULT = ClipOptions()


class WithDistractors:
    """A source whose clips get one or two more objects now and then; they are background in the labels.

    Args:
        source: of the clips.
        objects: a folder of `images` and `masks` to cut from.
        probability: how often.
        options: how large they are, and how many are of the class of the clip's objects.
    """

    def __init__(
        self, source: ClipSource, objects: Path, probability: float, options: ClipOptions = _DEFAULT
    ) -> None:
        self.source = source
        self.cutouts = Cutouts(objects, options.side)
        self.alike = options.alike
        self.probability = probability

    def draw(
        self, rng: np.random.Generator, frames: int, size: tuple[int, int], frame_gap: int = 0
    ) -> TrainingClip:
        """Draw a clip."""
        clip = self.source.draw(rng, frames, size, frame_gap)
        if rng.random() < self.probability:
            images, labels = list(clip.images.unbind()), clip.labels
            for _ in range(1 + int(rng.random() < 0.3)):
                wanted = clip.photograph if clip.photograph and happens(rng, self.alike) else ""
                cutout = self.cutouts.draw(rng, size, largest=0.5, like=wanted)
                if cutout is not None:
                    paste(cutout.picture, images, labels, 0, rng, frame_gap)
        return clip
