"""The stencil against the matrices it stands for."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.systems.frtm.pixel_weights import pixel_weights
from vosctl.systems.frtm.score_grid_loss import apply_stencil, neighbours, score_equations


def check_equations(labels: Tensor, grid: tuple[int, int]) -> None:
    """Their gradient is that of the enlarged loss."""
    scores = torch.rand(len(labels), *grid, dtype=torch.float64).requires_grad_()
    enlarged = F.interpolate(scores[:, None], labels.shape[-2:], mode="bilinear", align_corners=False)[:, 0]
    loss = (pixel_weights(labels) * (labels - enlarged).square()).sum()
    (gradient,) = torch.autograd.grad(loss, scores)
    stencil, target = score_equations(labels, grid)
    torch.testing.assert_close(
        2 * (apply_stencil(stencil, scores.detach()) - target), gradient, rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize(
    ("size", "grid"), [((48, 85), (3, 6)), ((17, 9), (2, 1)), ((5, 5), (1, 1)), ((33, 64), (3, 4))]
)
def test_the_equations_are_the_enlarged_loss(size: tuple[int, int], grid: tuple[int, int]) -> None:
    torch.manual_seed(0)
    check_equations(torch.rand(2, *size, dtype=torch.float64), grid)


def test_the_target_has_its_share_of_the_weight() -> None:
    torch.manual_seed(0)
    labels = torch.zeros(5, 100, 100, dtype=torch.float64)
    labels[0, :10, :20] = 1  # 2 %: raised to 10 %
    labels[1, :60, :50] = 0.9  # 30 %: stays
    labels[2, 0, :5] = 1  # fewer than 10 pixels: not raised
    labels[3] = 1  # nothing is off it
    check_equations(labels, (6, 7))


def test_neighbours_are_zero_outside() -> None:
    maps = torch.arange(1.0, 5.0).view(2, 2)
    expected_corner = [0, 0, 0, 0, 1, 2, 0, 3, 4]
    assert neighbours(maps)[:, 0, 0].tolist() == expected_corner
