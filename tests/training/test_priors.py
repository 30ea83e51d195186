import torch

from vosctl.training.priors import simulate_priors


def squares(count: int, side: int) -> torch.Tensor:
    masks = torch.zeros(count, 128, 192)
    masks[:, 64 - side // 2 : 64 + side // 2, 96 - side // 2 : 96 + side // 2] = 1
    return masks


def test_priors_are_near_the_object_but_seldom_on_it() -> None:
    masks = squares(200, 48)
    priors = simulate_priors(masks, torch.Size([8, 12]), seed=4)
    assert priors.shape == (200, 8, 12)
    assert 0 <= priors.min() <= priors.max() <= 1
    truth = torch.nn.functional.avg_pool2d(masks, 16)
    overlap = torch.minimum(priors, truth).sum((1, 2)) / torch.maximum(priors, truth).sum((1, 2))
    assert (overlap > 0.97).float().mean() < 0.05  # never to be copied
    assert 0.4 < (overlap > 0.4).float().mean() < 0.95
    empty = (priors.amax((1, 2)) == 0).float().mean()
    assert 0.08 < empty < 0.25
    sizes = priors.sum((1, 2))[priors.amax((1, 2)) > 0] / truth[0].sum()
    assert 0.7 < sizes.median() < 1.2


def test_shifts_grow_with_the_object() -> None:
    columns = torch.arange(12.0)

    def spread(side: int) -> float:
        priors = simulate_priors(squares(300, side), torch.Size([8, 12]), seed=4)
        seen = priors[priors.sum((1, 2)) > 0.2]
        middles = (seen.sum(1) * columns).sum(1) / seen.sum((1, 2))
        return float((middles - 5.5).abs().median())

    assert spread(56) > 1.5 * spread(16)


def test_priors_repeat_and_an_absent_object_moves_nothing() -> None:
    masks = squares(6, 40)
    size = torch.Size([8, 12])
    assert torch.equal(simulate_priors(masks, size, 1), simulate_priors(masks, size, 1))
    assert not torch.equal(simulate_priors(masks, size, 1), simulate_priors(masks, size, 2))
    assert torch.isfinite(simulate_priors(torch.zeros(6, 128, 192), size, 1)).all()
