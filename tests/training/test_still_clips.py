from pathlib import Path

import numpy as np

from tests.training.well_formed import SIZE, require_well_formed
from vosctl.training.sample import ClipOptions
from vosctl.training.still_clips import StillClips


def test_clips_are_well_formed_and_repeat(data: dict[str, Path]) -> None:
    require_well_formed(StillClips(data["objects"]))


def test_void_stays_void(data: dict[str, Path]) -> None:
    source = StillClips(data["objects"])
    voids = [(source.draw(np.random.default_rng(s), 2, SIZE).labels == 255).any() for s in range(20)]
    assert any(voids)
    assert not all(voids)


def test_another_object_crosses_one_of_the_photograph(data: dict[str, Path]) -> None:
    """The photographs have one object each; the second one hides a part of it in a later frame."""
    require_well_formed(StillClips(data["objects"], ClipOptions(crossing=1.0)))
    met = 0
    for seed in range(12):
        plain, crossed = (
            StillClips(data["objects"], options).draw(np.random.default_rng(seed), 4, SIZE).labels
            for options in (ClipOptions(), ClipOptions(crossing=1.0))
        )
        assert (crossed[0] == 2).any()
        hidden = (plain == 1) & (crossed == 2)
        met += int((hidden[1:].sum((1, 2)) > 60).any())
    assert met >= 9


def test_another_object_leaves_and_comes_back(data: dict[str, Path]) -> None:
    source = StillClips(data["objects"], ClipOptions(leaving=1.0))
    for seed in range(8):
        areas = (source.draw(np.random.default_rng(seed), 3, SIZE).labels == 2).sum((1, 2)).tolist()
        assert areas[0] > 20
        assert areas[1] == 0
        assert areas[2] > 20
