from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.small import moving_discs, overlap, tiny_model
from vosctl.boxes import Box
from vosctl.systems.box.network import BoxNetwork
from vosctl.systems.registry import load_box_network, load_model
from vosctl.tracking.from_boxes import segment_boxes


@pytest.fixture(scope="module")
def network() -> BoxNetwork:
    return load_box_network(torch.device("cpu"))


def box_of(mask: np.ndarray) -> Box:
    rows, columns = mask.nonzero()
    return Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def test_discs_are_found_in_their_boxes(network: BoxNetwork) -> None:
    pictures, labels = moving_discs(1, (320, 192), objects=2, radius=40)
    boxes = {3: box_of(labels[0] == 1), 7: box_of(labels[0] == 2)}
    found = segment_boxes(tiny_model(), network, pictures[0], boxes)
    assert found.dtype == np.uint8
    assert set(np.unique(found)) == {0, 3, 7}
    assert overlap(found == 3, labels[0] == 1) > 0.85
    assert overlap(found == 7, labels[0] == 2) > 0.85


def test_a_refinement_that_goes_astray_is_not_taken(network: BoxNetwork) -> None:
    pictures, labels = moving_discs(1, (320, 192), radius=40)
    boxes = {1: box_of(labels[0] == 1)}
    found = segment_boxes(tiny_model(refined=True), network, pictures[0], boxes)  # its weights are random
    assert overlap(found == 1, labels[0] == 1) > 0.3


def test_boxes_at_the_frames_edge_and_of_a_pixel_work(network: BoxNetwork) -> None:
    picture = moving_discs(1, (61, 47))[0][0]
    for box in [Box(0, 0, 61, 47), Box(60, 46, 61, 47), Box(0, 20, 1, 47)]:
        found = segment_boxes(tiny_model(), network, picture, {1: box})
        assert found.shape == (47, 61)


def test_real_objects_are_found(network: BoxNetwork, shared_data: Path) -> None:
    davis = shared_data / "data" / "davis" / "val"
    model = load_model(device="cpu", precision="fp32")
    for name, least in [("blackswan", 0.85), ("car-shadow", 0.85)]:
        picture = np.array(Image.open(davis / "JPEGImages" / "480p" / name / "00000.jpg"))
        truth = np.array(Image.open(davis / "Annotations" / "480p" / name / "00000.png").convert("L")) > 127
        found = segment_boxes(model, network, picture, {1: box_of(truth)})
        assert overlap(found == 1, truth) > least
