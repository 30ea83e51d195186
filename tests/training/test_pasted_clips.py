from pathlib import Path

import numpy as np

from tests.training.well_formed import SIZE, require_well_formed
from vosctl.training.pasted_clips import PastedClips
from vosctl.training.sample import ClipOptions


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


def least_visible(data: dict[str, Path], options: ClipOptions) -> list[float]:
    """For each clip whose first frame shows objects 1 and 2: the smallest share of 1 in a later frame."""
    source = PastedClips(data["objects"], data["photos"], options)
    shares = []
    for seed in range(24):
        labels = source.draw(np.random.default_rng(seed), 4, SIZE).labels
        areas = (labels == 1).sum((1, 2)).float()
        if areas[0] > 100 and (labels[0] == 2).sum() > 100:
            shares.append(float(areas[1:].min() / areas[0]))
    return shares


def test_crossing_objects_hide_each_other(data: dict[str, Path]) -> None:
    crossing = least_visible(data, ClipOptions(crossing=1.0, side=(0.35, 0.4)))
    assert len(crossing) >= 12
    assert np.median(crossing) < 0.7
    apart = least_visible(data, ClipOptions(leaving=0.0, side=(0.35, 0.4)))
    assert len(crossing) > len(apart)  # two objects at least


def test_an_object_leaves_and_comes_back(data: dict[str, Path]) -> None:
    source = PastedClips(data["objects"], data["photos"], ClipOptions(leaving=1.0, side=(0.3, 0.3)))
    returned = 0
    for seed in range(12):
        labels = source.draw(np.random.default_rng(seed), 4, SIZE).labels
        areas = [[int((frame == i).sum()) for frame in labels] for i in range(1, 6)]
        returned += any(a[0] > 50 and a[1] == a[2] == 0 and a[3] > 50 for a in areas)
    assert returned >= 9


def test_small_objects_are_small(data: dict[str, Path]) -> None:
    source = PastedClips(data["objects"], data["photos"], ClipOptions(side=(0.15, 0.2)))
    areas = [int((source.draw(np.random.default_rng(s), 2, SIZE).labels[0] > 0).sum()) for s in range(12)]
    assert 0 < max(areas) <= 5 * (0.2 * SIZE[0]) ** 2 * 2
    assert np.median([a for a in areas if a]) < 400


def test_further_objects_look_like_the_first(two_classes: Path, data: dict[str, Path]) -> None:
    """Red and blue photographs; a clip's objects have one colour when they are to be alike."""

    def mixed(options: ClipOptions) -> int:
        source = PastedClips(two_classes, data["photos"], options)
        found = 0
        for seed in range(30):
            clip = source.draw(np.random.default_rng(seed), 2, SIZE)
            colours = {
                bool(clip.images[0, 0][mask].mean() > clip.images[0, 2][mask].mean())
                for i in range(1, 6)
                if (mask := clip.labels[0] == i).sum() > 60
            }
            found += len(colours) == 2
        return found

    assert mixed(ClipOptions(alike=1.0)) == 0
    assert mixed(ClipOptions()) >= 2
