from pathlib import Path

import numpy as np
import torch

from tests.training.well_formed import SIZE, require_well_formed
from vosctl.training.distractors import WithDistractors
from vosctl.training.sample import ClipOptions, TrainingClip
from vosctl.training.still_clips import StillClips


def test_clips_are_well_formed_and_repeat(data: dict[str, Path]) -> None:
    require_well_formed(WithDistractors(StillClips(data["objects"]), data["objects"], 1.0))


def test_distractors_are_background(data: dict[str, Path]) -> None:
    class Everything:
        def draw(self, rng: np.random.Generator, frames: int, size: tuple[int, int], frame_gap: int = 0):  # type: ignore[no-untyped-def]
            return TrainingClip(torch.zeros(frames, 3, *size), torch.ones(frames, *size, dtype=torch.uint8))

    clip = WithDistractors(Everything(), data["objects"], 1.0).draw(np.random.default_rng(0), 2, SIZE)
    hidden = clip.labels == 0
    assert hidden.sum() > 50
    assert clip.images.sum(1)[~hidden].mean() < clip.images.sum(1)[hidden].mean()


def test_alike_distractors_come_from_the_class_of_the_clip(two_classes: Path) -> None:
    class Nothing:
        def draw(self, rng: np.random.Generator, frames: int, size: tuple[int, int], frame_gap: int = 0):  # type: ignore[no-untyped-def]
            labels = torch.zeros(frames, *size, dtype=torch.uint8)
            return TrainingClip(torch.zeros(frames, 3, *size), labels, "red_9")

    def blue(options: ClipOptions) -> int:
        source = WithDistractors(Nothing(), two_classes, 1.0, options)
        images = [source.draw(np.random.default_rng(s), 1, SIZE).images[0] for s in range(12)]
        return sum(bool(image[2].sum() > image[0].sum()) for image in images)

    assert blue(ClipOptions(alike=1.0)) == 0
    assert blue(ClipOptions()) > 2
