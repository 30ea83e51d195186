"""Matching: how much each cell of a frame is like remembered cells of an object, and like all others.

Beyond the paper: D is one linear function of the features, and the prior knows places alone. S is told two
things more, both of a small learned embedding of layer3 (`Matching.keys`): the best match of each cell in the
object's first frame, anywhere, and the best match in the frame of the last update, nearby. As the prior they
stay the same between two updates, so that the frames between do not depend on each other. Where several
objects are followed, S also sees what the others score (`rival_scores`).

Methods that match so, to the first and to the last frame: Voigtlaender et al., FEELVOS, CVPR 2019.
"""

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor, nn

from vosctl.compute.fused import Conv2d
from vosctl.systems.aggregation import at_least_float32

KEYS = 64  # channels of the embedding
CUES = 5  # maps an object: best match with it and with the rest, in the first and in the last frame; rivals
_REACH = 7  # cells: how far from its place in the last frame a cell may be, in either direction
_ROWS = 6  # of cells that are compared at a time: bounds memory, and stays in a core's caches
_ELSEWHERE = 2.0  # what a cell loses that lies outside: the whole range of a cosine
_SHARPNESS = 8.0  # of the difference of two cosines, taken as a logit by the loss


class Matching(nn.Module):
    """The embedding in which cells are compared.

    Args:
        channels: of layer3.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.embed = Conv2d(channels, KEYS, 1)

    def keys(self, layer3: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, 64, h, w) of length 1."""
        return F.normalize(at_least_float32(self.embed(layer3.to(self.embed.weight.dtype))), dim=1)


def matching_cues(
    keys: Tensor, first: Tensor, first_masks: Tensor, last: Tensor, last_masks: Tensor
) -> Tensor:
    """What S is told of the matches of O objects in B frames.

    Args:
        keys: (B, 64, h, w), of the frames.
        first: (1 or B, 1 or O, 64, h, w), keys of each object's first frame.
        first_masks: (1 or B, O, h, w) in [0, 1], the object's share of each cell there.
        last: (1 or B, 1 or O, 64, h, w), keys of the frame of the last update.
        last_masks: (1 or B, O, h, w).

    Returns:
        (B, O, 4, h, w) in [0, 1]: matches with the object and with the rest, in the first frame and in the
        last.
    """
    return torch.cat(
        [best_matches(keys, first, first_masks), best_matches(keys, last, last_masks, _REACH)], 2
    )


def best_matches(keys: Tensor, remembered: Tensor, masks: Tensor, reach: int | None = None) -> Tensor:
    """The best match of each cell among the cells of an object, and among all others.

    Args:
        keys: (B, E, h, w) of length 1.
        remembered: (1 or B, 1 or O, E, h, w), likewise.
        masks: (1 or B, O, h, w) in [0, 1].
        reach: only cells that are no further away, in rows and in columns; None compares with all.

    Returns:
        (B, O, 2, h, w): cosines brought to [0, 1]; 0 where there is nothing to match.
    """
    height, width = keys.shape[-2:]
    inside = _ELSEWHERE * (masks - 1)  # added to a cosine: nothing for the object's cells
    outside = -_ELSEWHERE * masks
    place = torch.arange(max(height, width), device=keys.device)
    far = (place[:, None] - place).abs() > (max(height, width) if reach is None else reach)
    away = far.float() * (-2 * _ELSEWHERE)
    parts = []
    for top in range(0, height, _ROWS):
        bottom = min(top + _ROWS, height)
        first, end = (0, height) if reach is None else (max(0, top - reach), min(height, bottom + reach))
        asked = keys[:, None, :, top:bottom].flatten(3).mT  # (B, 1, n, E)
        known = remembered[:, :, :, first:end].flatten(3)  # (., ., E, m)
        cosine = asked @ known  # (B, 1 or O, n, m)
        if reach is not None:
            rows, columns = away[top:bottom, first:end], away[:width, :width]
            nearby = rows[:, None, :, None] + columns[None, :, None, :]  # (rows, w, rows', w)
            cosine = cosine + nearby.flatten(2).flatten(0, 1)
        best = [
            (cosine + offset[:, :, first:end].flatten(2).unsqueeze(2)).amax(-1)
            for offset in (inside, outside)
        ]
        parts.append(torch.stack(best, 2).unflatten(-1, (bottom - top, width)))  # (B, O, 2, rows, w)
    return (torch.cat(parts, 3) + 1).clamp_min(0) / 2


def rival_scores(scores: Tensor) -> Tensor:
    """The highest score that any other object has at each cell, at least 0: (B, O, h, w) -> the same shape.

    Zeros where there is one object only.
    """
    count = scores.shape[1]
    if count == 1:
        return torch.zeros_like(scores)
    best, second = scores.topk(2, 1).values.split(1, 1)
    return torch.where(scores == best, second, best).clamp_min(0)


def matching_loss(cues: Tensor, masks: Tensor) -> Tensor:
    """How badly matches tell the object from the rest: a scalar, to train the embedding with.

    Each map's cells of the object and its other cells weigh the same together. A map that had nothing to
    match with does not count.

    Args:
        cues: (N, O, 4, h, w), of `matching_cues`.
        masks: (N, O, h, w) in [0, 1], the true shares of cells.
    """
    own, rest = cues[:, :, 0::2].float(), cues[:, :, 1::2].float()  # (N, O, 2, h, w): first frame, last frame
    target = masks.unsqueeze(2).expand_as(own)
    known = ((own.amax((3, 4)) > 0) & (rest.amax((3, 4)) > 0)).float()
    losses = F.binary_cross_entropy_with_logits(_SHARPNESS * 2 * (own - rest), target, reduction="none")
    shares = []
    for part in (target, 1 - target):
        shares.append((losses * part).sum((3, 4)) / part.sum((3, 4)).clamp_min(1))
    return (sum(shares, torch.zeros_like(known)) / 2 * known).sum() / known.sum().clamp_min(1)
