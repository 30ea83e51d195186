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


def test_the_camera_comes_near(data: dict[str, Path]) -> None:
    require_well_formed(StillClips(data["objects"], approach=1.0))
    ratios = []
    for approach in (0.0, 1.0):
        source = StillClips(data["objects"], approach)
        areas = [
            ((clip.labels > 0) & (clip.labels < 255)).float().mean((1, 2)).clamp(min=1e-3)
            for clip in (source.draw(np.random.default_rng(seed), 4, SIZE) for seed in range(20))
        ]
        ratios.append(float(np.median([a.max() / a.min() for a in areas])))
    assert ratios[1] > 1.2 * ratios[0]
