import pytest
import torch

from vosctl.boxes import Box
from vosctl.systems.frtm import initial_samples as module
from vosctl.systems.frtm.initial_samples import boxes_of, fill_hole, sample_weights


def scene() -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.full((3, 90, 140), 0.2)
    image[2] = 0.6
    mask = torch.zeros(90, 140)
    mask[20:55, 30:90] = 1
    image[:, mask > 0] = torch.tensor([0.9, 0.1, 0.1])[:, None]
    return image, mask


def initial_samples(
    image: torch.Tensor, mask: torch.Tensor, count: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = module.initial_samples(image, mask, count, seed, boxes_of(mask[None])[0])
    return torch.stack(images), labels


def test_boxes_hold_just_the_objects() -> None:
    masks = torch.zeros(4, 9, 12)
    masks[0, 2:5, 3:8] = 1
    masks[1, 8, 11] = 1
    masks[2] = 1
    assert boxes_of(masks) == [Box(3, 2, 8, 5), Box(11, 8, 12, 9), Box(0, 0, 12, 9), None]


def test_the_frame_itself_comes_first_and_counts_twice() -> None:
    image, mask = scene()
    images, labels = initial_samples(image, mask, 5, seed=3)
    assert images.shape == (5, 3, 90, 140)
    assert labels.shape == (5, 90, 140)
    assert torch.equal(images[0], image)
    assert torch.equal(labels[0], mask)
    torch.testing.assert_close(sample_weights(5), torch.tensor([2, 1, 1, 1, 1]) / 6)


def test_variations_show_the_object_where_their_label_says() -> None:
    image, mask = scene()
    for seed in range(6):
        images, labels = initial_samples(image, mask, 5, seed)
        assert ((labels == 0) | (labels == 1)).all()
        for picture, label in zip(images[1:], labels[1:], strict=True):
            assert label.sum() > 50
            inner = -torch.nn.functional.max_pool2d(-label[None], 9, 1, 4)[0] > 0
            outer = torch.nn.functional.max_pool2d(label[None], 19, 1, 9)[0] > 0
            if inner.any():
                assert picture[0][inner].mean() > 0.75  # the object's red
            assert picture[0][~outer].max() < 0.35  # nothing of it is left elsewhere


def test_the_hole_is_filled_with_its_surroundings() -> None:
    image, mask = scene()
    filled = fill_hole(image, mask)
    torch.testing.assert_close(filled[:, mask > 0].mean(1), torch.tensor([0.2, 0.2, 0.6]), atol=0.02, rtol=0)
    far = torch.nn.functional.max_pool2d(mask[None], 19, 1, 9)[0] == 0
    torch.testing.assert_close(filled[:, far], image[:, far])


def test_variations_repeat_with_the_seed_and_differ_between_seeds() -> None:
    image, mask = scene()
    assert torch.equal(initial_samples(image, mask, 3, 1)[0], initial_samples(image, mask, 3, 1)[0])
    assert not torch.equal(initial_samples(image, mask, 3, 1)[0], initial_samples(image, mask, 3, 2)[0])


@pytest.mark.parametrize("pixels", [0, 1])
def test_almost_nothing_to_cut_out(pixels: int) -> None:
    image, _ = scene()
    mask = torch.zeros(90, 140)
    mask[40, 50] = pixels
    images, labels = initial_samples(image, mask, 5, 0)
    assert torch.isfinite(images).all()
    assert len(images) == len(labels) == 5
    assert bool((images[1:] == image).all()) == (pixels == 0)


def test_an_object_that_fills_the_frame() -> None:
    image, _ = scene()
    images, _ = initial_samples(image, torch.ones(90, 140), 3, 0)
    assert torch.isfinite(images).all()
