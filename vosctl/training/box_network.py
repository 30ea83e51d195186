"""One training step of the box network: objects in their boxes, and the loss of their masks."""

import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.systems.box.network import BoxDecoder
from vosctl.training.backbone_training import BackboneTraining
from vosctl.training.frtm_network import StepPlan
from vosctl.training.losses import segmentation_losses
from vosctl.training.recipe import Recipe


class BoxTrainingNetwork(BackboneTraining):
    """The backbone up to layer3 and the decoder.

    Args:
        recipe: decides what is frozen, and the loss.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.box = BoxDecoder(self.backbone.channels)

    def forward(self, images: Tensor, masks: Tensor, present: Tensor, plan: StepPlan) -> dict[str, Tensor]:
        """Compute the loss of a batch of squares.

        Args:
            images: (B, 1, 3, SIZE, SIZE) RGB in [0, 1], as `cut_square` makes them.
            masks: (B, 1, 1, SIZE, SIZE) uint8, as in `Batch`.
            present: (B, 1) bool.
            plan: the step's.

        Returns:
            Scalars: `loss`, and its terms `bce` and `iou`.
        """
        self.box.train(not plan.frozen_statistics)
        with self._autocast(images.device):
            logits = self.box(self._features(images[:, 0], plan.train_stem))  # (B, SIZE/2, SIZE/2)
        logits = F.interpolate(
            logits[:, None].float(), masks.shape[-2:], mode="bilinear", align_corners=False
        )
        bce, iou = segmentation_losses(logits, masks[:, 0], present)
        weights = self.recipe.loss
        return {"loss": weights.bce * bce + weights.iou * iou, "bce": bce.detach(), "iou": iou.detach()}
