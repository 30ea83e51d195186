"""Label maps at the clip's own size, in memory that does not grow with it."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.models.aggregation import winners

_VALUES_AT_ONCE = 1 << 23  # enlarged probabilities that are held: 32 MB


def enlarged_winners(probabilities: Tensor, size: tuple[int, int]) -> Tensor:
    """Which map is highest at each pixel once all are enlarged bilinearly, as `F.interpolate` would.

    Enlarged probabilities give smoother edges than enlarged labels. They are made a strip of rows at a time:
    eight objects in 4K would take 300 MB.

    Args:
        probabilities: (O+1, h, w), background first.
        size: (H, W).

    Returns:
        (H, W) uint8, as `winners`.
    """
    count, small = probabilities.shape[:2]
    height, width = size
    rows = max(1, _VALUES_AT_ONCE // (count * width))
    # Where each enlarged row lies between two small ones, with align_corners=False.
    at = ((torch.arange(height, dtype=torch.float64) + 0.5) * small / height - 0.5).clamp(0, small - 1)
    upper = at.floor().long()
    lower = (upper + 1).clamp(max=small - 1).to(probabilities.device)
    share = (at - upper).to(probabilities)[:, None]
    upper = upper.to(probabilities.device)
    winner = torch.empty(size, dtype=torch.uint8, device=probabilities.device)
    for top in range(0, height, rows):
        strip = slice(top, top + rows)
        tall = torch.lerp(probabilities[:, upper[strip]], probabilities[:, lower[strip]], share[strip])
        wide = F.interpolate(tall, width, mode="linear", align_corners=False)  # (O+1, rows, W)
        winner[strip] = winners(wide[None])[0]
    return winner
