"""What S is trained with."""

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.systems.aggregation import aggregate
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
