"""One training step of Base net: the reference frame is encoded, the others segmented (FRTM 4.1)."""

from torch import Tensor

from vosctl.systems.backbone import Features
from vosctl.systems.base_net.model import BaseNetModel
from vosctl.systems.base_net.network import BaseNet
from vosctl.training.backbone_training import BackboneTraining
from vosctl.training.frtm_network import StepPlan
from vosctl.training.losses import segmentation_losses
from vosctl.training.recipe import Recipe


class BaseNetTrainingNetwork(BackboneTraining):
    """F, the target encoder and S.

    Args:
        recipe: decides sizes, what is frozen, and the loss.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.base_net = BaseNet(self.backbone.channels)

    def model(self) -> BaseNetModel:
        """The model that tracks with these networks, not yet prepared for a device."""
        return BaseNetModel("training", self.backbone, self.base_net)

    def forward(self, images: Tensor, masks: Tensor, present: Tensor, plan: StepPlan) -> dict[str, Tensor]:
        """Compute the loss of a batch.

        Args:
            images: (B, T, 3, H, W) RGB in [0, 1], the reference frame first.
            masks: (B, T, O, H, W) uint8, as in `Batch`.
            present: (B, O) bool.
            plan: the step's.

        Returns:
            Scalars: `loss`, and its terms `bce` and `iou`.
        """
        frames = images.shape[1]
        self.base_net.train(not plan.frozen_statistics)
        with self._autocast(images.device):
            reference = self._features(images[:, 0], plan.train_stem, stages=3).layer3
            encoding = self.base_net.encode(reference, (masks[:, 0] == 1).float())
            features = Features(*self._features(images[:, 1:].flatten(0, 1), plan.train_stem))
            logits = self.base_net(encoding.repeat_interleave(frames - 1, 0), features, images.shape[-2:])
        bce, iou = segmentation_losses(
            logits, masks[:, 1:].flatten(0, 1), present.repeat_interleave(frames - 1, 0)
        )
        weights = self.recipe.loss
        return {"loss": weights.bce * bce + weights.iou * iou, "bce": bce.detach(), "iou": iou.detach()}
