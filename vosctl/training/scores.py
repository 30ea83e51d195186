"""Scores for training, made worse: D's mistakes on clips that nothing was trained on.

The features that D sees are trained on the very clips that S learns from, where D is wrong less often than in
use. There it takes whole walls for the object that the reference frame did not show, and S, which has never
seen that, believes it. So false patches are put into scores, and holes; only the prior and the pictures tell.
"""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

_STRENGTHS = (0.3, 1.2)  # what a patch adds; the target has about 1
_REMAINS = (0.0, 0.7)  # of the score in a hole
_PATCH, _HOLE = 1.0, 1.2  # of a smooth normal field, what is above them; the former covers a fifth of a map
_EDGE = 5.0  # how steep their edges are


def distort_scores(scores: Tensor, share: float, seed: int) -> Tensor:
    """Put a false patch into a share of the maps, and a hole into half as many.

    Args:
        scores: (N, O, h, w).
        share: of the maps.
        seed: of all random numbers.

    Returns:
        The same shape; the gradient passes.
    """
    rng = np.random.default_rng([seed, 3])
    shape = (*scores.shape[:2], 1, 1)

    def uniform(low: float, high: float) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, shape).astype(np.float32)).to(scores.device)

    def blobs(threshold: float) -> Tensor:
        coarse = torch.from_numpy(rng.normal(size=(*scores.shape[:2], 4, 7)).astype(np.float32))
        field = F.interpolate(coarse, scores.shape[-2:], mode="bicubic", align_corners=False)
        return torch.sigmoid(_EDGE * (field.to(scores.device) - threshold))

    hole = blobs(_HOLE) * (uniform(0, 1) < share / 2)
    scores = scores * (1 - hole * (1 - uniform(*_REMAINS)))
    return scores + blobs(_PATCH) * uniform(*_STRENGTHS) * (uniform(0, 1) < share)
