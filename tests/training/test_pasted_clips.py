from pathlib import Path

import numpy as np
import torch

from tests.training.well_formed import SIZE, require_well_formed
from vosctl.training.pasted_clips import Cutouts, PastedClips, paste


def test_clips_are_well_formed_and_repeat(data: dict[str, Path]) -> None:
    require_well_formed(PastedClips(data["objects"], data["photos"]))


def test_objects_move_and_change(data: dict[str, Path]) -> None:
    source = PastedClips(data["objects"], data["photos"])
    overlaps = []
    for seed in range(12):
        labels = source.draw(np.random.default_rng(seed), 3, SIZE).labels
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


def test_void_is_not_cut_out(data: dict[str, Path]) -> None:
    cutout = Cutouts(data["objects"]).draw(np.random.default_rng(0), SIZE)
    assert cutout is not None
    assert 0 < cutout[3].mean() < 1
