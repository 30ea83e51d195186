import torch

from vosctl.training.scores import distort_scores


def square(count: int) -> torch.Tensor:
    scores = torch.zeros(count, 1, 30, 54)
    scores[..., 10:20, 20:30] = 1
    return scores


def test_some_scores_get_patches_and_some_get_holes() -> None:
    scores = square(400)
    worse = distort_scores(scores, 0.4, seed=3)
    outside = (worse - scores).clamp(min=0)
    patched = (outside > 0.2).flatten(1).any(1).float().mean()
    assert 0.3 < patched < 0.45  # nearly all of 0.4: few patches are too weak or beyond the map
    holes = ((scores - worse) > 0.2).flatten(1).any(1).float().mean()
    assert 0.03 < holes < 0.2  # of 0.2 those that meet the target
    assert worse.max() < 2.3
    assert worse.min() >= 0


def test_distortion_repeats_and_passes_gradients() -> None:
    scores = square(6).requires_grad_()
    worse = distort_scores(scores, 0.5, seed=1)
    assert torch.equal(worse, distort_scores(scores, 0.5, seed=1))
    assert not torch.equal(worse, distort_scores(scores, 0.5, seed=2))
    (gradient,) = torch.autograd.grad(worse.sum(), scores)
    assert gradient.min() >= 0
    assert gradient.max() <= 1
    assert (gradient == 1).any()


def test_no_share_changes_nothing() -> None:
    assert torch.equal(distort_scores(square(5), 0.0, seed=1), square(5))
