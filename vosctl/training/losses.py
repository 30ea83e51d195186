"""What S is trained with."""

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.models.aggregation import aggregate
from vosctl.models.normal_equations import KAPPA_MIN
from vosctl.training.sample import VOID


def hide_absent(logits: Tensor, present: Tensor) -> Tensor:
    """Make objects that a clip lacks certain not to be there: (N, O, H, W) and (N, O) bool."""
    return logits.masked_fill(~present[:, :, None, None], -15.0)


def segmentation_losses(logits: Tensor, masks: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Binary cross-entropy and soft intersection over union of the objects that are there.

    Several objects are aggregated first, as in use: what one gains another loses.

    Args:
        logits: (N, O, H, W), of each object against everything else.
        masks: (N, O, H, W) uint8: 1 the object, 0 not, 255 void, which does not count.
        present: (N, O) bool: which objects the clip has.

    Returns:
        Two scalars: the mean cross-entropy, and the mean of 1 - soft IoU over the frames that show the
        object.
    """
    logits = logits.float()
    if logits.shape[1] > 1:
        probabilities = aggregate(hide_absent(logits, present))[:, 1:].clamp(1e-6, 1 - 1e-6)
        logits = torch.logit(probabilities)
    counted = (masks != VOID).float() * present[:, :, None, None]
    target = (masks == 1).float()
    pixels = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * counted
    bce = pixels.sum() / counted.sum().clamp_min(1)
    p = torch.sigmoid(logits) * counted
    target = target * counted
    both = (p * target).sum((2, 3))
    either = (p + target - p * target).sum((2, 3))
    visible = (target.sum((2, 3)) > 0).float()
    iou = ((1 - both / either.clamp_min(1)) * visible).sum() / visible.sum().clamp_min(1)
    return bce, iou


def score_loss(scores: Tensor, masks: Tensor, present: Tensor) -> Tensor:
    """What D is fitted by, on frames that it was not fitted to: for the features that it sees.

    The squared error of FRTM eq. (2) with the weights of eq. (4), on the grid of the scores.

    Args:
        scores: (N, O, h, w), D's.
        masks: (N, O, H, W) uint8, as in `segmentation_losses`.
        present: (N, O) bool: which objects the clip has.

    Returns:
        A scalar, the mean over the cells.
    """
    size = scores.shape[-2:]
    target = F.interpolate((masks == 1).float(), size, mode="area")
    counted = F.interpolate((masks != VOID).float(), size, mode="area") * present[:, :, None, None]
    share = target.mean((2, 3), keepdim=True).clamp(1e-3, 1 - 1e-3)  # kappa-hat
    wanted = share.clamp_min(KAPPA_MIN)
    weights = torch.lerp((1 - wanted) / (1 - share), wanted / share, target)
    return (counted * weights * (scores.float() - target) ** 2).sum() / counted.sum().clamp_min(1)
