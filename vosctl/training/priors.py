"""Priors for training: where an object was a few frames ago, as the tracker would know it.

In use the prior is the tracker's own mask, up to an update interval old. Here it is made from the true mask
of the frame itself: moved, turned, scaled and bent by up to what objects do in that time, with holes and
false patches as a tracker's mistakes leave them, and at times missing. It must not be trusted more than the
score.
"""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

_MISSING = 0.15  # share of priors that are empty: an object was lost
_HOLES = 0.4  # share with a part missing
_PATCHES = 0.3  # share with something else in it
_SHIFTS = (0.03, 0.6)  # standard deviations of the movement, in the object's own size; drawn log-uniformly
_SCALE, _ANGLE, _BEND = 0.12, 0.15, 0.12  # standard deviations: log of the scale, radians, object sizes


def simulate_priors(masks: Tensor, size: torch.Size, seed: int) -> Tensor:
    """Make a prior from each mask.

    Args:
        masks: (N, H, W) of 0 and 1.
        size: (h, w) of the priors, a sixteenth or so of the masks'.
        seed: of all random numbers.

    Returns:
        (N, h, w) in [0, 1].
    """
    count = len(masks)
    rng = np.random.default_rng([seed, 2])
    height, width = 4 * size[0], 4 * size[1]  # fine enough for what happens to the mask
    fine = F.interpolate(masks[:, None], (height, width), mode="area")  # (N, 1, 4h, 4w)

    def normal(*shape: int) -> Tensor:
        return torch.from_numpy(rng.normal(size=shape).astype(np.float32)).to(masks.device)

    def some(share: float) -> Tensor:
        chosen = torch.from_numpy((rng.random(count) < share).astype(np.float32))
        return chosen.view(-1, 1, 1, 1).to(masks.device)

    low, high = np.log(_SHIFTS)
    spread = torch.from_numpy(np.exp(rng.uniform(low, high, (count, 1))).astype(np.float32)).to(masks.device)
    area = fine.sum((1, 2, 3))  # (N,)
    extent = area.clamp(min=1).sqrt()[:, None]  # the object's size in cells
    rows = torch.arange(height, device=masks.device, dtype=torch.float32)
    columns = torch.arange(width, device=masks.device, dtype=torch.float32)
    weight = fine[:, 0] / area.clamp(min=1e-6).view(-1, 1, 1)
    middle = torch.stack([(weight.sum(1) * columns).sum(1), (weight.sum(2) * rows).sum(1)], 1)  # (N, 2) x, y

    cells = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)  # (4h, 4w, 2)
    away = cells - (middle + normal(count, 2) * spread * extent)[:, None, None]  # from where it was
    angle, scale = normal(count) * _ANGLE, torch.exp(normal(count) * _SCALE)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    turn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)  # (N, 2, 2)
    bend = F.interpolate(normal(count, 2, 4, 6), (height, width), mode="bicubic", align_corners=False)
    bend = bend.permute(0, 2, 3, 1) * (_BEND * extent)[:, None, None]
    source = torch.einsum("nij,nhwj->nhwi", turn, away) + middle[:, None, None] + bend
    grid = (2 * source + 1) / torch.tensor([width, height], device=masks.device) - 1
    moved = F.grid_sample(fine, grid, align_corners=False)

    noise = F.interpolate(normal(count, 2, 6, 10), (height, width), mode="bilinear", align_corners=False)
    moved = moved * (1 - some(_HOLES) * (noise[:, :1] > 0.8).float())
    moved = torch.maximum(moved, some(_PATCHES) * (noise[:, 1:] > 1.6).float())
    moved = moved * (1 - some(_MISSING))
    return F.interpolate(moved, tuple(size), mode="area")[:, 0]
