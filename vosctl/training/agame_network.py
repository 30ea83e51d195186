"""One training step of A-GAME: a snippet from its first frame to its last, and both losses (section 3.4).

The backbone sees all frames of a snippet at once; what is recurrent sees one after the other.
"""

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from vosctl.systems.agame.model import AGAMEModel
from vosctl.systems.agame.network import AGAME, State, shrink_masks
from vosctl.systems.aggregation import aggregate
from vosctl.systems.backbone import Features
from vosctl.training.backbone_training import BackboneTraining
from vosctl.training.frtm_network import StepPlan, degrade_masks
from vosctl.training.losses import hide_absent, segmentation_losses
from vosctl.training.recipe import Recipe


class AGAMETrainingNetwork(BackboneTraining):
    """The backbone and A-GAME.

    Args:
        recipe: decides sizes, ablations, what is frozen, and the loss.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.agame = AGAME(self.backbone.channels, recipe.agame)

    def model(self) -> AGAMEModel:
        """The model that tracks with these networks, not yet prepared for a device."""
        return AGAMEModel("training", self.backbone, self.agame)

    def forward(self, images: Tensor, masks: Tensor, present: Tensor, plan: StepPlan) -> dict[str, Tensor]:
        """Compute the loss of a batch of snippets.

        Args:
            images: (B, T, 3, H, W) RGB in [0, 1], in order; H and W are multiples of 16.
            masks: (B, T, O, H, W) uint8, as in `Batch`; the first frame's are given to the network.
            present: (B, O) bool.
            plan: the step's.

        Returns:
            Scalars: `loss`, and its terms `bce` and `iou` of the masks and `coarse`, the cross-entropy of the
            coarse masks.
        """
        clips, frames = images.shape[:2]
        labels = (masks[:, 0] == 1).float()
        if self.recipe.target.degrade > 0:
            labels = degrade_masks(labels, self.recipe.target.degrade, plan.seed)
        coarse, logits = [], []
        with self._autocast(images.device):
            stages = self._features(images.flatten(0, 1), plan.train_stem)
            by_clip = [stage.unflatten(0, (clips, frames)) for stage in stages]
            state = self.agame.start(by_clip[3][:, 0], shrink_masks(labels))
            for index in range(1, frames):
                features = Features(*(stage[:, index] for stage in by_clip))
                if self.recipe.model.checkpointing and torch.is_grad_enabled():
                    state, *found = checkpoint(self._frame, features, state, present, use_reentrant=False)
                else:
                    state, *found = self._frame(features, state, present)
                coarse.append(found[0])
                logits.append(found[1])
        return self._loss(
            torch.cat(coarse), torch.cat(logits), masks[:, 1:].transpose(0, 1).flatten(0, 1), present
        )

    def _frame(self, features: Features, state: State, present: Tensor) -> tuple[State, Tensor, Tensor]:
        """One frame of each clip: the state after it, coarse logits (B, O, h, w) and logits (B, O, H, W)."""
        prediction = self.agame(features.layer4, state)
        height, width = (4 * side for side in features.layer1.shape[-2:])
        logits = self.agame.upsampling(prediction.encoding, features, (height, width))
        if present.shape[1] == 1:
            masks = torch.sigmoid(prediction.coarse)
        else:
            masks = shrink_masks(aggregate(hide_absent(logits.float(), present))[:, 1:])
        return self.agame.update(state, prediction, masks), prediction.coarse, logits

    def _loss(self, coarse: Tensor, logits: Tensor, masks: Tensor, present: Tensor) -> dict[str, Tensor]:
        """The loss of N = (T-1)*B frames, clips innermost: (N, O, h, w), (N, O, H, W), masks (N, O, H, W)."""
        present = present.repeat(len(masks) // len(present), 1)
        bce, iou = segmentation_losses(logits, masks, present)
        enlarged = F.interpolate(coarse, masks.shape[-2:], mode="bilinear", align_corners=False)
        coarse_bce, _ = segmentation_losses(enlarged, masks, present)
        weights = self.recipe.loss
        loss = weights.bce * bce + weights.iou * iou + weights.coarse * coarse_bce
        return {"loss": loss, "bce": bce.detach(), "iou": iou.detach(), "coarse": coarse_bce.detach()}
