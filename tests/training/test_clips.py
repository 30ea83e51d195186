from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vosctl.errors import DatasetError
from vosctl.training.clips import RealClips, find_sequences


def test_sequences_are_found_in_both_layouts(data: dict[str, Path], tmp_path: Path) -> None:
    davis = find_sequences(data["clips"])
    assert [(s.name, len(s.frames)) for s in davis] == [("one", 8), ("two", 8)]
    for folder, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
        (tmp_path / "train" / folder / "video").mkdir(parents=True)
        for index in range(0, 20, 5 if suffix == "png" else 1):
            Image.new("L", (8, 8)).save(tmp_path / "train" / folder / "video" / f"{index:05d}.{suffix}")
    youtube = find_sequences(tmp_path)
    assert [p.stem for p in youtube[0].frames] == ["00000", "00005", "00010", "00015"]
    assert [p.stem for p in youtube[0].labels] == [p.stem for p in youtube[0].frames]


def test_the_label_follows_the_picture(data: dict[str, Path]) -> None:
    """The disc is red, all else is grey: where the label says 1 there must be red, whatever the camera
    does."""
    source = RealClips(find_sequences(data["clips"]), without=("two",))
    for seed in range(10):
        clip = source.draw(np.random.default_rng(seed), 3, (72, 112))
        red = (clip.images[:, 0] - clip.images[:, 1]) > 0.25
        marked = clip.labels == 1
        assert (red ^ marked).float().mean() < 0.02


def test_frames_differ_and_clips_repeat(data: dict[str, Path]) -> None:
    source = RealClips(find_sequences(data["clips"]))
    first = source.draw(np.random.default_rng(4), 3, (64, 96))
    assert torch.equal(first.images, source.draw(np.random.default_rng(4), 3, (64, 96)).images)
    assert not torch.equal(first.labels[0], first.labels[1])


def test_more_frames_than_there_are(data: dict[str, Path]) -> None:
    assert (
        RealClips(find_sequences(data["clips"])).draw(np.random.default_rng(0), 12, (64, 96)).labels.shape[0]
        == 12
    )


def test_left_out_sequences_are_left_out(data: dict[str, Path]) -> None:
    assert [s.name for s in RealClips(find_sequences(data["clips"]), ("o.*",)).sequences] == ["two"]
    with pytest.raises(DatasetError, match="leaves none of the 2"):
        RealClips(find_sequences(data["clips"]), (".*",))


def test_folders_without_clips_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no JPEGImages and Annotations"):
        find_sequences(tmp_path)
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(DatasetError, match="no sequence with two or more"):
        find_sequences(tmp_path)
