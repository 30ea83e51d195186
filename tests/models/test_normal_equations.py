"""The stencil against the matrices it stands for."""

import pytest
import torch
import torch.nn.functional as F

from vosctl.models.normal_equations import (
    KAPPA_MIN,
    apply_stencil,
    neighbours,
    pixel_weights,
    score_equations,
)


@pytest.mark.parametrize(
    ("size", "grid"), [((48, 85), (3, 6)), ((17, 9), (2, 1)), ((5, 5), (1, 1)), ((33, 64), (3, 4))]
)
def test_the_equations_are_the_enlarged_loss(size: tuple[int, int], grid: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.rand(2, *size, generator=generator, dtype=torch.float64)
    scores = torch.rand(2, *grid, generator=generator, dtype=torch.float64).requires_grad_()
    enlarged = F.interpolate(scores[:, None], size, mode="bilinear", align_corners=False)[:, 0]
    loss = (pixel_weights(labels) * (labels - enlarged).square()).sum()
    (gradient,) = torch.autograd.grad(loss, scores)
    stencil, target = score_equations(labels, grid)
    torch.testing.assert_close(
        2 * (apply_stencil(stencil, scores.detach()) - target), gradient, rtol=1e-10, atol=1e-10
    )


def test_pixel_weights_give_the_target_its_share() -> None:
    labels = torch.zeros(3, 100, 100, dtype=torch.float64)
    labels[0, :10, :20] = 1  # 2 %: raised to 10 %
    labels[1, :60, :50] = 0.9  # 30 %: stays
    labels[2, 0, :5] = 1  # fewer than 10 pixels: not raised
    weights = pixel_weights(labels)
    total = weights.sum((1, 2))
    torch.testing.assert_close(total[:2], torch.full((2,), 1e4, dtype=torch.float64))
    assert float(weights[0][labels[0] > 0].sum() / total[0]) == pytest.approx(KAPPA_MIN)
    assert float(weights[1][labels[1] > 0].sum() / total[1]) == pytest.approx(0.3)
    assert float(weights[2].max()) == pytest.approx(1.0)


def test_a_target_that_fills_the_frame_has_finite_weights() -> None:
    assert torch.isfinite(pixel_weights(torch.ones(1, 20, 20))).all()


def test_neighbours_are_zero_outside() -> None:
    maps = torch.arange(1.0, 5.0).view(2, 2)
    expected_corner = [0, 0, 0, 0, 1, 2, 0, 3, 4]
    assert neighbours(maps)[:, 0, 0].tolist() == expected_corner
