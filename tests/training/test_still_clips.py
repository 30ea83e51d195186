from pathlib import Path

import numpy as np

from tests.training.well_formed import SIZE, require_well_formed
from vosctl.training.still_clips import StillClips


def test_clips_are_well_formed_and_repeat(data: dict[str, Path]) -> None:
    require_well_formed(StillClips(data["objects"]))


def test_void_stays_void(data: dict[str, Path]) -> None:
    source = StillClips(data["objects"])
    voids = [(source.draw(np.random.default_rng(s), 2, SIZE).labels == 255).any() for s in range(20)]
    assert any(voids)
    assert not all(voids)
