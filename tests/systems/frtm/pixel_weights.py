"""FRTM eq. (4), pixel by pixel."""

import torch
from torch import Tensor


def pixel_weights(labels: Tensor) -> Tensor:
    """The weights v of labels (N, H, W)."""
    return torch.stack([_of_one(label) for label in labels])


def _of_one(label: Tensor) -> Tensor:
    target = label > 0.5
    pixels = int(target.sum())
    share = pixels / target.numel()
    if pixels < 10 or share == 1:
        return torch.ones_like(label)
    kappa = max(0.1, share)
    weights = torch.full_like(label, (1 - kappa) / (1 - share))
    weights[target] = kappa / share
    return weights
