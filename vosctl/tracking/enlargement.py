"""Label maps at the clip's own size, in memory that does not grow with it."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.compute.constants import constant
from vosctl.systems.aggregation import object_argmax

_VALUES_AT_ONCE = 1 << 23  # enlarged probabilities that are held: 32 MB


def enlarged_argmax(probabilities: Tensor, size: Sequence[int]) -> Tensor:
    """Which map is highest at each pixel once all are enlarged bilinearly, as `F.interpolate` would.

    Enlarged probabilities give smoother edges than enlarged labels. They are made a strip of rows at a time:
    eight objects in 4K would take 300 MB.

    Args:
        probabilities: (O+1, h, w), background first.
        size: (H, W).

    Returns:
        (H, W) uint8, as `object_argmax`.
    """
    count, small = probabilities.shape[:2]
    height, width = size
    rows = max(1, _VALUES_AT_ONCE // (count * width))
    upper, lower, share = _between(height, small, probabilities.dtype, probabilities.device)
    argmax = torch.empty(size, dtype=torch.uint8, device=probabilities.device)
    for top in range(0, height, rows):
        strip = slice(top, top + rows)
        tall = torch.lerp(probabilities[:, upper[strip]], probabilities[:, lower[strip]], share[strip])
        wide = F.interpolate(tall, width, mode="linear", align_corners=False)  # (O+1, rows, W)
        argmax[strip] = object_argmax(wide[None])[0]
    return argmax


@constant
def _between(
    height: int, small: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Between which two small rows each enlarged one lies, with align_corners=False, and where."""
    at = ((torch.arange(height, dtype=torch.float64) + 0.5) * small / height - 0.5).clamp(0, small - 1)
    upper = at.floor().long()
    lower = (upper + 1).clamp(max=small - 1)
    return upper.to(device), lower.to(device), (at - upper).to(dtype).to(device)[:, None]
