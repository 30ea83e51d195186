"""The target model's loss on the score grid: eq. (2) of FRTM without a full-resolution map.

The loss compares U(s), the scores s enlarged bilinearly to the label's size, with the label y under the pixel
weights v of eq. (4). Written out it is quadratic in s,

    sum v (y - U s)^2  =  s' (U' V U) s  -  2 s' (U' V y)  +  const,

and U' V U couples a score cell with its eight neighbours only. So a sample is nine small maps, the *stencil*,
and one more small map, the *target*. Both are separable and cost two small matrix products per label; the
result is exact. Everything afterwards lives on the score grid.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.compute.constants import constant
from vosctl.compute.resampling import strips_of

KAPPA_MIN = 0.1  # the least share of the weight that the target gets (FRTM eq. 4)
_ROWS = 6  # of the score grid that are taken at a time
FEWEST_TARGET_PIXELS = 10  # below this eq. (4) would give a few pixels enormous weights


class ScoreEquations(NamedTuple):
    """The data term of N labels on the score grid."""

    stencil: Tensor  # (N, 9, h, w): entry 3*(dr+1)+(dc+1) couples cell (r, c) with (r+dr, c+dc)
    target: Tensor  # (N, h, w): U' V y


def _target_and_weights(labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The target, (N, H, W) of 0 and 1, and the weights v of FRTM eq. (4) on it and off it, (N, 1, 1) each.

    The target, labels above 0.5, gets a tenth of the weight or its share of the pixels, whichever is more.
    """
    target = torch.gt(labels, 0.5, out=torch.empty_like(labels))
    count = target.sum((1, 2), keepdim=True)
    fraction = count / target[0].numel()  # kappa-hat
    desired = fraction.clamp(min=KAPPA_MIN)  # kappa
    fraction = torch.where(count < FEWEST_TARGET_PIXELS, desired, fraction)
    inside = desired / fraction
    outside = (1 - desired) / (1 - fraction).clamp(min=1e-6)  # the clamp: a target that fills the frame
    return target, inside, outside


def pixel_weights(labels: Tensor) -> Tensor:
    """The weights v of FRTM eq. (4) of labels, both (N, H, W)."""
    target, inside, outside = _target_and_weights(labels)
    return outside + (inside - outside) * target


def score_equations(labels: Tensor, grid: Sequence[int]) -> ScoreEquations:
    """Reduce labels to the stencil and the target of their loss.

    Args:
        labels: (N, H, W) in [0, 1], float32 or float64.
        grid: (h, w) of the score grid.

    Returns:
        The equations, in the labels' type.
    """
    (height, width), (h, w) = labels.shape[-2:], grid
    size = labels.dtype, labels.device
    _, row_pairs = _enlargement(height, h, *size)
    columns, column_pairs = _enlargement(width, w, *size)
    # v has two values only, outside + (inside - outside) on the target: sums of 0s and 1s need no map of v.
    target, inside, outside = _target_and_weights(labels)
    both = target * labels
    products = [
        (pairs @ target[:, seen], rows @ labels[:, seen], rows @ both[:, seen])
        for seen, rows, pairs in _row_strips(height, h, *size)
    ]
    of_pairs, of_labels, of_both = (torch.cat(parts, 1) for parts in zip(*products, strict=True))
    of_all = row_pairs.sum(1, keepdim=True) * column_pairs.sum(1)  # U' U, (h*3, w*3)
    pairs = outside * of_all + (inside - outside) * (of_pairs @ column_pairs.mT)  # (N, h*3, w*3)
    stencil = pairs.view(-1, h, 3, w, 3).permute(0, 2, 4, 1, 3).reshape(-1, 9, h, w)
    weighted = outside * (of_labels @ columns.mT) + (inside - outside) * (of_both @ columns.mT)
    return ScoreEquations(stencil, weighted)


@constant
def _enlargement(large: int, small: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """U' in one dimension, (small, large), and its rows times those next to them, (small*3, large)."""
    eye = torch.eye(small, dtype=torch.float64).unsqueeze(0)
    matrix = F.interpolate(eye, size=large, mode="linear", align_corners=False).squeeze(0)
    padded = F.pad(matrix, (0, 0, 1, 1))
    pairs = torch.stack([matrix * padded[shift : shift + small] for shift in range(3)], 1).flatten(0, 1)
    return matrix.to(dtype).to(device), pairs.to(dtype).to(device)


@constant
def _row_strips(
    large: int, small: int, dtype: torch.dtype, device: torch.device
) -> list[tuple[slice, Tensor, Tensor]]:
    """The enlargement, some rows at a time.

    Each row depends on a few pixels only; which they are comes first in a strip.
    """
    matrix, pairs = _enlargement(large, small, torch.float64, torch.device("cpu"))
    return [
        (seen, rows.to(dtype).to(device), pairs[3 * first : 3 * (first + _ROWS), seen].to(dtype).to(device))
        for first, (seen, rows) in zip(range(0, small, _ROWS), strips_of(matrix, _ROWS), strict=True)
    ]


def neighbours(maps: Tensor) -> Tensor:
    """The 3x3 neighbourhood of each cell, zero outside.

    Args:
        maps: (..., h, w).

    Returns:
        (..., 9, h, w): entry 3*(dr+1)+(dc+1) at (r, c) is the map's value at (r+dr, c+dc).
    """
    around = F.pad(maps, (1, 1, 1, 1)).unfold(-2, 3, 1).unfold(-2, 3, 1)  # (..., h, w, 3, 3)
    return around.movedim((-2, -1), (-4, -3)).flatten(-4, -3)


def apply_stencil(stencil: Tensor, maps: Tensor) -> Tensor:
    """(U' V U) s: stencil (..., 9, h, w), maps (..., h, w) -> (..., h, w)."""
    return (stencil * neighbours(maps)).sum(-3)
