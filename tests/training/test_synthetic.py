from pathlib import Path

import numpy as np
import pytest
import torch

from vosctl.training.distractors import WithDistractors
from vosctl.training.sample import ClipSource
from vosctl.training.synthetic import Cutouts, PastedClips, StillClips, paste

SIZE = (64, 96)


@pytest.fixture
def sources(data: dict[str, Path]) -> dict[str, ClipSource]:
    return {
        "pasted": PastedClips(data["objects"], data["photos"]),
        "still": StillClips(data["objects"]),
        "distracted": WithDistractors(StillClips(data["objects"]), data["objects"], 1.0),
    }


@pytest.mark.parametrize("kind", ["pasted", "still", "distracted"])
def test_clips_are_well_formed_and_repeat(sources: dict[str, ClipSource], kind: str) -> None:
    for seed in range(8):
        clip = sources[kind].draw(np.random.default_rng(seed), 3, SIZE)
        assert clip.images.shape == (3, 3, *SIZE)
        assert clip.images.dtype == torch.float32
        assert clip.images.min() >= 0
        assert clip.images.max() <= 1
        assert clip.labels.shape == (3, *SIZE)
        assert clip.labels.dtype == torch.uint8
        assert set(clip.labels.unique().tolist()) <= {0, 1, 2, 3, 4, 5, 255}
        again = sources[kind].draw(np.random.default_rng(seed), 3, SIZE)
        assert torch.equal(clip.images, again.images)
        assert torch.equal(clip.labels, again.labels)


def test_objects_move_and_change(sources: dict[str, ClipSource]) -> None:
    overlaps = []
    for seed in range(12):
        labels = sources["pasted"].draw(np.random.default_rng(seed), 3, SIZE).labels
        first, last = labels[0] == 1, labels[2] == 1
        if first.sum() > 20 and last.sum() > 20:
            overlaps.append(float((first & last).sum() / (first | last).sum()))
    assert len(overlaps) >= 5
    assert np.mean(overlaps) < 0.8
    assert max(overlaps) < 1


def test_the_mask_lies_on_the_object() -> None:
    cutout = torch.cat([torch.ones(3, 20, 30), torch.zeros(1, 20, 30)])
    cutout[3, 4:16, 4:26] = 1
    seen = 0
    for seed in range(6):
        images = [torch.zeros(3, *SIZE) for _ in range(2)]
        labels = torch.zeros(2, *SIZE, dtype=torch.uint8)
        paste(cutout.clone(), images, labels, 7, np.random.default_rng(seed))
        for image, label in zip(images, labels, strict=True):
            bright, marked = image.mean(0) > 0.5 * image.max().clamp_min(0.1), label == 7
            if marked.sum() < 20:  # out of view but for its feathered edge
                continue
            seen += 1
            wrong = (bright ^ marked).sum()
            assert wrong <= 0.2 * marked.sum() + 12
    assert seen >= 8


def test_a_later_object_hides_an_earlier_one() -> None:
    images, labels = [torch.zeros(3, *SIZE)], torch.full((1, *SIZE), 1, dtype=torch.uint8)
    paste(torch.ones(4, 40, 40), images, labels, 2, np.random.default_rng(1))
    counts = {i: int((labels == i).sum()) for i in (1, 2)}
    assert counts[2] > 100
    assert counts[1] + counts[2] == labels.numel()


def test_distractors_are_background(data: dict[str, Path]) -> None:
    class Everything:
        def draw(self, rng: np.random.Generator, frames: int, size: tuple[int, int], step: int = 0):  # type: ignore[no-untyped-def]
            from vosctl.training.sample import TrainingClip

            return TrainingClip(torch.zeros(frames, 3, *size), torch.ones(frames, *size, dtype=torch.uint8))

    clip = WithDistractors(Everything(), data["objects"], 1.0).draw(np.random.default_rng(0), 2, SIZE)
    hidden = clip.labels == 0
    assert hidden.sum() > 50
    assert clip.images.sum(1)[~hidden].mean() < clip.images.sum(1)[hidden].mean()


def test_void_stays_void_in_still_clips_and_is_not_cut_out(data: dict[str, Path]) -> None:
    source = StillClips(data["objects"])
    voids = [(source.draw(np.random.default_rng(s), 2, SIZE).labels == 255).any() for s in range(20)]
    assert any(voids)
    assert not all(voids)
    cutout = Cutouts(data["objects"]).draw(np.random.default_rng(0), SIZE)
    assert cutout is not None
    assert 0 < cutout[3].mean() < 1
