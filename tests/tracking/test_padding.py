import numpy as np
import pytest
import torch

from tests.small import moving_discs, overlap, tiny_agame, tiny_model
from vosctl.systems.backbone import STRIDE
from vosctl.systems.model import Model
from vosctl.systems.registry import load_model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.padding import crop, pad, padded_size
from vosctl.tracking.tracker import Tracker

# Every remainder of 32 is among the sides.
_SIZES = [
    *((33, 34), (66, 35), (36, 69), (101, 38), (39, 72), (137, 41), (42, 75), (76, 43), (45, 110), (47, 79)),
    *(
        (80, 48),
        (146, 81),
        (51, 116),
        (53, 86),
        (120, 55),
        (57, 90),
        (59, 124),
        (61, 94),
        (63, 96),
        (1243, 377),
    ),
]


def _labels(frames: list, mask: np.ndarray, model: Model) -> list[np.ndarray]:
    return [
        result.labels for result in Tracker(model, TrackerSettings(initial_samples=1)).run(frames, {0: mask})
    ]


@pytest.fixture(scope="module", params=["frtm", "agame"])
def model(request: pytest.FixtureRequest) -> Model:
    return tiny_model(refined=True) if request.param == "frtm" else tiny_agame()


@pytest.mark.parametrize("size", _SIZES)
def test_any_size_gives_what_the_clip_padded_by_hand_gives(size: tuple[int, int], model: Model) -> None:
    frames, labels = moving_discs(2, size, radius=min(size) // 4)
    width, height = size
    more = ((0, -height % STRIDE), (0, -width % STRIDE))
    by_hand = _labels(
        [np.pad(frame, (*more, (0, 0)), mode="reflect") for frame in frames],
        np.pad(labels[0], more, mode="reflect"),
        model,
    )
    for own, wide in zip(_labels(frames, labels[0], model), by_hand, strict=True):
        assert own.shape == (height, width)
        assert np.array_equal(own, wide[:height, :width])


def test_the_sizes_have_every_remainder_of_32() -> None:
    assert {side % 32 for size in _SIZES for side in size} == set(range(32))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_pad_reflects_and_crop_takes_it_back(dtype: torch.dtype) -> None:
    maps = torch.arange(2 * 3 * 21 * 40).remainder(251).view(2, 3, 21, 40).to(dtype)
    wide = pad(maps)
    assert tuple(wide.shape[-2:]) == padded_size((21, 40)) == (32, 48)
    assert torch.equal(crop(wide, (21, 40)), maps)
    assert np.array_equal(wide, np.pad(maps.numpy(), ((0, 0), (0, 0), (0, 11), (0, 8)), mode="reflect"))
    assert pad(wide) is wide


def test_a_picture_smaller_than_its_padding_goes_on_with_its_edge() -> None:
    maps = torch.arange(6.0).view(2, 3)
    wide = pad(maps)
    assert wide.shape == (16, 16)
    assert wide[0, :6].tolist() == [0, 1, 2, 1, 0, 0]


def test_masks_do_not_move_to_the_upper_left() -> None:
    """A disc near the lower right corner, where the shipped model's masks were two pixels off."""
    width, height, centre_x, centre_y, radius = 161, 97, 134, 72, 17
    y, x = np.mgrid[:height, :width]
    disc = (x - centre_x) ** 2 + (y - centre_y) ** 2 <= radius**2
    noise = np.random.default_rng(0).integers(0, 40, (height, width, 3))
    frame = (np.where(disc[..., None], (200, 70, 40), (60, 90, 110)) + noise).astype(np.uint8)
    results = _labels([frame] * 4, disc.astype(np.uint8), load_model("frtm-rn18", precision="fp32"))
    for found in results[1:]:
        assert overlap(found > 0, disc) > 0.93
        assert abs(x[found > 0].mean() - centre_x) < 0.75
        assert abs(y[found > 0].mean() - centre_y) < 0.75
