"""Tests of `cutouts`, and through them of `warps`.

Tests training/warps.py too.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.well_formed import SIZE
from vosctl.training.cutouts import Cutouts, paste


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
    assert 0 < cutout.picture[3].mean() < 1


def test_sides_are_those_asked_for(data: dict[str, Path]) -> None:
    cutouts = Cutouts(data["objects"], side=(0.2, 0.3))
    for seed in range(10):
        cutout = cutouts.draw(np.random.default_rng(seed), SIZE)
        assert cutout is not None
        height, width = cutout.picture.shape[1:]
        assert 0.17 * SIZE[0] <= np.sqrt(height * width) <= 0.33 * SIZE[0]


def test_a_given_way_is_followed() -> None:
    images = [torch.zeros(3, *SIZE) for _ in range(3)]
    labels = torch.zeros(3, *SIZE, dtype=torch.uint8)
    way = np.array([[20.0, 30.0], [48.0, 30.0], [76.0, 30.0]])
    paste(torch.ones(4, 16, 16), images, labels, 1, np.random.default_rng(0), way=way)
    for label, (x, y) in zip(labels, way, strict=True):
        ys, xs = torch.nonzero(label, as_tuple=True)
        assert float(xs.float().mean()) == pytest.approx(x, abs=8)
        assert float(ys.float().mean()) == pytest.approx(y, abs=8)
