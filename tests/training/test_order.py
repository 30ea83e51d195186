from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from vosctl.training.clips import RealClips, find_sequences
from vosctl.training.order import choose_frames, random_per_frame
from vosctl.training.pasted_clips import PastedClips
from vosctl.training.sample import ClipSource
from vosctl.training.still_clips import StillClips


def test_frames_in_order_are_evenly_spaced() -> None:
    rng = np.random.default_rng(0)
    spacings = set()
    for _ in range(200):
        chosen = choose_frames(rng, 30, 6, 3)
        steps = set(np.diff(chosen))
        assert len(steps) == 1
        assert 0 <= min(chosen) <= max(chosen) < 30
        spacings |= steps
    assert spacings == {-3, -2, -1, 1, 2, 3}


def test_short_clips_give_what_they_have() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert set(np.abs(np.diff(choose_frames(rng, 7, 6, 5)))) == {1}
        repeated = choose_frames(rng, 3, 5, 2)
        assert len(repeated) == 5
        assert repeated[2:] == repeated[2:3] * 3
        assert choose_frames(rng, 1, 3, 1) == [0, 0, 0]


def test_chance_in_order_lies_on_a_line() -> None:
    values = random_per_frame(np.random.default_rng(0), 5, 1, lambda rng: rng.normal(size=(2, 3)))
    assert values.shape == (5, 2, 3)
    np.testing.assert_allclose(np.diff(values, axis=0), np.diff(values, axis=0)[:1].repeat(4, 0))
    loose = random_per_frame(np.random.default_rng(0), 5, 0, lambda rng: rng.normal(size=2))
    assert np.diff(loose, axis=0).std() > 0.1


@pytest.mark.parametrize("kind", ["clips", "still", "pasted"])
def test_neighbours_in_order_are_alike(data: dict[str, Path], kind: str) -> None:
    """The masks of neighbours overlap more than those of the first and the last frame."""
    source: ClipSource
    if kind == "clips":
        source = RealClips(find_sequences(data["clips"]), without=("two",))
    elif kind == "still":
        source = StillClips(data["objects"])
    else:
        source = PastedClips(data["objects"], data["photos"])
    near, far = [], []
    for seed in range(12):
        labels = source.draw(np.random.default_rng(seed), 6, (64, 96), 1).labels == 1
        near += [iou(a, b) for a, b in pairwise(labels)]
        far.append(iou(labels[0], labels[-1]))
    assert np.nanmean(near) > np.nanmean(far) + 0.1


def iou(a: torch.Tensor, b: torch.Tensor) -> float:
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else float("nan")
