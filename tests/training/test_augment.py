import numpy as np
import torch

from vosctl.training.augment import Augmentation, augment, gaussian_blur, video_compressed

NOTHING = Augmentation(brightness=0, contrast=0, saturation=0, hue=0, grey=0, blur=0, noise=0, jpeg=0)


def picture() -> torch.Tensor:
    return torch.rand(3, 3, 40, 56, generator=torch.Generator().manual_seed(0))


def test_nothing_is_nothing() -> None:
    assert torch.allclose(augment(picture(), np.random.default_rng(0), NOTHING), picture(), atol=1e-6)


def test_results_repeat_and_stay_in_range() -> None:
    strong = Augmentation(
        brightness=1, contrast=1, saturation=1, hue=0.5, grey=0.5, blur=0.5, noise=1, jpeg=0.5
    )
    for seed in range(6):
        changed = augment(picture(), np.random.default_rng(seed), strong)
        assert changed.shape == (3, 3, 40, 56)
        assert changed.min() >= 0
        assert changed.max() <= 1
        assert not torch.allclose(changed, picture(), atol=0.01)
        assert torch.equal(changed, augment(picture(), np.random.default_rng(seed), strong))


def test_grey_clips_are_grey_in_all_frames() -> None:
    grey = augment(picture(), np.random.default_rng(0), Augmentation(grey=1.0, jpeg=0, noise=0, hue=0))
    assert (grey.amax(1) - grey.amin(1)).max() < 1e-5


def test_blur_keeps_the_mean_of_a_flat_picture_and_spreads_a_point() -> None:
    assert torch.allclose(gaussian_blur(torch.full((3, 20, 20), 0.4), 1.5), torch.tensor(0.4))
    point = torch.zeros(1, 21, 21)
    point[0, 10, 10] = 1
    blurred = gaussian_blur(point, 1.0)
    assert abs(float(blurred.sum()) - 1) < 1e-4
    assert abs(float(blurred[0, 10, 10]) - 0.16) < 0.01  # 1 / (2 pi sigma^2)


def test_video_compression_loses_more_at_a_coarser_quality_and_repeats() -> None:
    """Of odd sides, as codecs do not take them."""
    smooth = torch.nn.functional.interpolate(picture(), size=(75, 101), mode="bilinear")
    errors = []
    for quality in (20, 38):
        coded = video_compressed(smooth, quality)
        assert coded.shape == smooth.shape
        assert torch.equal(coded, video_compressed(smooth, quality))
        errors.append(float((coded - smooth).abs().mean()))
    assert 0.002 < errors[0] < errors[1] < 0.2
    # Each frame is its own, in its place.
    for index, frame in enumerate(coded):
        distances = [float((frame - other).abs().mean()) for other in smooth]
        assert distances.index(min(distances)) == index


def test_video_compression_is_drawn_last() -> None:
    """So that old recipes give the same clips."""
    plain = augment(picture(), np.random.default_rng(2), Augmentation())
    assert torch.equal(plain, augment(picture(), np.random.default_rng(2), Augmentation(video=0.0)))
    coded = augment(picture(), np.random.default_rng(2), Augmentation(video=1.0))
    assert 0.001 < float((coded - plain).abs().mean()) < 0.3
