from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vosctl.errors import DatasetError
from vosctl.systems.box.network import MARGIN, SIZE
from vosctl.training.boxed_objects import BoxedObjects, find_boxes, find_pictures


def test_an_object_fills_its_box_but_for_the_play(tmp_path: Path) -> None:
    labels = np.zeros((120, 200), np.uint8)
    labels[30:90, 20:140] = 3
    labels[30:90, 60:70] = 255
    picture = np.where((labels == 3)[..., None], (250, 20, 20), (20, 20, 250)).astype(np.uint8)
    Image.fromarray(labels).save(tmp_path / "labels.png")
    Image.fromarray(picture).save(tmp_path / "picture.png")
    source = BoxedObjects([(tmp_path / "picture.png", tmp_path / "labels.png")])
    edge = SIZE * MARGIN / (1 + 2 * MARGIN)
    places = []
    for seed in range(8):
        clip = source.draw(np.random.default_rng(seed), 1, (SIZE, SIZE))
        assert clip.images.shape == (1, 3, SIZE, SIZE)
        assert set(clip.labels.unique().tolist()) == {0, 1, 255}
        columns = torch.nonzero((clip.labels[0] == 1).any(0)).flatten()
        places.append(int(columns.min()))
        inside = clip.labels[0] == 1
        assert clip.images[0, 0][inside].mean() > 0.9
        assert clip.images[0, 0][clip.labels[0] == 0].mean() < 0.2
    assert np.std(places) > 1  # nobody draws boxes exactly
    assert abs(np.mean(places) - edge) < 0.06 * SIZE


def test_boxes_of_what_is_large_enough() -> None:
    labels = torch.zeros(100, 100, dtype=torch.uint8)
    labels[10:40, 20:60] = 2
    labels[50:52, :] = 7
    labels[60:, :] = 255
    assert find_boxes(labels) == {2: (20, 10, 60, 40)}


def test_pictures_are_photographs_or_frames_of_clips(data: dict[str, Path]) -> None:
    names = {image.stem for image, _ in find_pictures(data["objects"], ("[01]",))}
    assert names == {"2", "3", "4", "5"}
    frames = find_pictures(data["clips"], ("two",))
    assert len(frames) == 8
    assert {image.parent.name for image, _ in frames} == {"one"}
    with pytest.raises(DatasetError, match="leaves none of the 16 pictures"):
        find_pictures(data["clips"], (".*",))
