"""Sizes that the networks' strides do not divide: the one rule for all systems.

A network of stride 16 makes ceil(H/16) rows of cells of a picture of H rows. Maps of these cells, enlarged
to H rows, would be squeezed: masks would move towards the upper left corner. So pictures and given masks are
continued by reflection, at the bottom and the right, up to a multiple of the stride, and results are cut
back.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from vosctl.compute.constants import constant
from vosctl.systems.backbone import STRIDE


def padded_size(size: Sequence[int]) -> tuple[int, ...]:
    """The next sides that are multiples of the stride."""
    return tuple(side + -side % STRIDE for side in size)


def pad(maps: Tensor) -> Tensor:
    """Continue maps (..., H, W) by reflection to `padded_size`; the same tensor where that is their size."""
    for dim in (-2, -1):
        side = maps.shape[dim]
        if side % STRIDE:
            maps = maps.index_select(dim, _reflection(side, maps.device))
    return maps


def crop(maps: Tensor, size: Sequence[int]) -> Tensor:
    """A view of what `pad` has continued: (..., H', W') -> (..., H, W)."""
    height, width = size
    return maps[..., :height, :width]


@constant
def _reflection(side: int, device: torch.device) -> Tensor:
    """Which pixel each of a padded side is taken from; tiny pictures have too little, their edge goes on."""
    order = torch.arange(side + -side % STRIDE)
    reflected = (2 * (side - 1) - order).clamp(min=0)
    return torch.where(order < side, order, reflected).to(device)
