"""One training step's computation: features, the fit of D, S, the loss (FRTM section 3.3)."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.systems.backbone import Features
from vosctl.systems.catalogue import system_named
from vosctl.systems.frtm.learning import FEWEST_PIXELS
from vosctl.systems.frtm.loading import schedule_on
from vosctl.systems.frtm.matching import matching_cues, matching_loss, rival_scores
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.refinement_fused import FusedRefinementNetwork
from vosctl.systems.frtm.target_model import FitSchedule, TargetModel, fit_last_layer, fit_target_model
from vosctl.training.backbone_training import BackboneTraining
from vosctl.training.losses import segmentation_losses
from vosctl.training.priors import simulate_priors
from vosctl.training.recipe import Recipe
from vosctl.training.scores import distort_scores

# When D is fitted again on predictions, they get a share of the memory drawn from this range:
# what a few frames to a few dozen frames have in use.
_DRIFT_SHARES = (0.15, 0.6)


@dataclass(frozen=True)
class StepPlan:
    """What is drawn at random, once for a step and alike in all processes."""

    seed: int
    drift: bool
    """Whether D is fitted again on predictions."""
    ordered: bool
    """Whether frames are in order of time, so that a prediction can be the prior of the next frame."""
    train_stem: bool
    frozen_statistics: bool

    @classmethod
    def of(cls, recipe: Recipe, step: int) -> "StepPlan":
        """The plan of a step: a function of the recipe's seed and the step alone."""
        rng = np.random.default_rng([recipe.seed, step, 2**31])
        seed, drift = int(rng.integers(2**31)), bool(rng.random() < recipe.target.drift)
        recurrent = system_named(recipe.model.system).is_recurrent
        return cls(
            seed=seed,
            drift=drift,
            ordered=recipe.stage_at(step).frame_gap > 0 and (drift or recurrent),
            train_stem=step % recipe.optimizer.stem_every == 0,
            frozen_statistics=step >= recipe.optimizer.freeze_statistics * recipe.total_steps,
        )


class TrainingNetwork(BackboneTraining):
    """F and S.

    Args:
        recipe: decides sizes, what is frozen, and the loss.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        model = recipe.model
        self.refinement = FusedRefinementNetwork(
            self.backbone.channels, model.prior, model.encoder_width, model.matching
        )

    def model(self) -> FRTMModel:
        """The model that tracks with these networks, not yet prepared for a device."""
        schedule = schedule_on(self.backbone.name)
        return FRTMModel("training", self.backbone, self.refinement, schedule)

    def forward(self, images: Tensor, masks: Tensor, present: Tensor, plan: StepPlan) -> dict[str, Tensor]:
        """Compute the loss of a batch.

        Args:
            images: (B, T, 3, H, W) RGB in [0, 1].
            masks: (B, T, O, H, W) uint8, as in `Batch`.
            present: (B, O) bool.
            plan: the step's.

        Returns:
            Scalars: `loss`, and its terms `bce` and `iou`; `matching` where S matches.
        """
        clips, frames = images.shape[:2]
        size = images.shape[-2:]
        self.refinement.train(not plan.frozen_statistics)
        through_fit = self.recipe.target.through_fit
        with torch.set_grad_enabled(torch.is_grad_enabled() and through_fit), self._autocast(images.device):
            reference = self._features(images[:, 0], plan.train_stem, stages=3).layer3
        models = self._fit(reference.float(), masks[:, 0], plan)
        with self._autocast(images.device):
            features = self._features(images[:, 1:].flatten(0, 1), plan.train_stem)
        by_clip = [f.unflatten(0, (clips, frames - 1)) for f in features]
        priors = self._priors(masks[:, 1:], by_clip[2].shape[-2:], plan)
        whole = slice(0, frames - 1)
        matches = None
        if plan.drift:
            logits, matches = self._track(by_clip, models, priors, reference.float(), masks[:, 0], size, plan)
        else:
            if self.refinement.matching is not None:
                # Frames in any order have no last frame before them: all of it is taken for lost.
                labels = self._cells((masks[:, 0] == 1).float(), reference)
                last = reference, torch.zeros_like(labels)
                matches = self._matches(by_clip, whole, reference.float(), labels, *last)
            logits = self._segment(by_clip, models, priors, whole, size, plan, matches)
        bce, iou = segmentation_losses(
            logits.flatten(0, 1), masks[:, 1:].flatten(0, 1), present.repeat_interleave(frames - 1, 0)
        )
        weights = self.recipe.loss
        loss, terms = weights.bce * bce + weights.iou * iou, {"bce": bce.detach(), "iou": iou.detach()}
        if matches is not None:
            cells = self._cells((masks[:, 1:] == 1).float().flatten(0, 1), reference)
            matching = matching_loss(matches.flatten(0, 1), cells)
            loss, terms["matching"] = loss + weights.matching * matching, matching.detach()
        return {"loss": loss, **terms}

    def _fit(self, features: Tensor, masks: Tensor, plan: StepPlan) -> TargetModel:
        """D of every object of every clip: features (B, C, h, w), masks (B, O, H, W) -> B*O models."""
        clips, objects = masks.shape[:2]
        labels = (masks == 1).float()
        if self.recipe.target.degrade > 0:
            labels = degrade_masks(labels, self.recipe.target.degrade, plan.seed)
        samples = features.repeat_interleave(objects, 0).unsqueeze(1)  # (B*O, 1, C, h, w)
        labels = labels.flatten(0, 1).unsqueeze(1)  # (B*O, 1, H, W)
        weights = torch.ones(1, device=features.device)
        seeds = [plan.seed + index for index in range(clips * objects)]
        schedule = FitSchedule(self.recipe.target.schedule)
        models = fit_target_model(samples, labels, weights, schedule, seeds)
        if not self.recipe.target.through_fit:
            return models
        return fit_last_layer(models, samples, labels, weights.expand(len(samples), -1), schedule.update)

    def _track(
        self,
        by_clip: list[Tensor],
        models: TargetModel,
        priors: Tensor | None,
        reference: Tensor,
        masks: Tensor,
        size: torch.Size,
        plan: StepPlan,
    ) -> tuple[Tensor, Tensor | None]:
        """Segments as the tracker does: after each frame D is fitted to predictions too, and S sees the last.

        Args:
            by_clip: as for `_segment`.
            models: D, fitted to the reference frames.
            priors: (B, T, O, h, w), of which the first is used in any case, or None.
            reference: (B, C, h, w), layer3 of the reference frames.
            masks: (B, O, H, W), theirs.
            size: (H, W).
            plan: the step's.

        Returns:
            Logits (B, T, O, H, W), and the matching cues (B, T, O, 4, h, w) where S matches.
        """
        objects = masks.shape[1]
        first_mask = self._cells((masks == 1).float(), reference)
        last, last_mask = reference, first_mask
        matches: list[Tensor] = []
        layer3 = by_clip[2] if self.recipe.target.through_fit else by_clip[2].detach()
        samples, labels, seen = [reference], [(masks == 1).float()], []
        share = float(np.random.default_rng(plan.seed).uniform(*_DRIFT_SHARES))
        logits = []
        for frame in range(layer3.shape[1]):
            one = slice(frame, frame + 1)
            if self.refinement.matching is not None:
                matches.append(self._matches(by_clip, one, reference, first_mask, last, last_mask))
            seen_now = matches[-1] if matches else None
            logits.append(self._segment(by_clip, models, priors, one, size, plan, seen_now))
            if frame + 1 == layer3.shape[1]:
                break
            predicted = torch.sigmoid(logits[-1][:, 0].detach().float())  # (B, O, H, W)
            predicted = predicted * (predicted > 0.5)
            if priors is not None and plan.ordered:
                later = F.interpolate(predicted, priors.shape[-2:], mode="area")
                priors = torch.cat([priors[:, : frame + 1], later[:, None], priors[:, frame + 2 :]], 1)
            if plan.ordered:
                last, last_mask = by_clip[2][:, frame].float(), self._cells(predicted, reference)
            samples.append(layer3[:, frame].float())
            labels.append(predicted)
            seen.append(((predicted > 0).sum((2, 3)) >= FEWEST_PIXELS).float())
            own = torch.stack(seen, -1) * (share / len(seen))  # (B, O, K-1)
            models = fit_last_layer(
                models,
                torch.stack(samples, 1).repeat_interleave(objects, 0),  # (B*O, K, C, h, w)
                torch.stack(labels, 2).flatten(0, 1),  # (B*O, K, H, W)
                torch.cat([1 - own.sum(-1, keepdim=True), own], -1).flatten(0, 1),  # (B*O, K)
                FitSchedule(self.recipe.target.schedule).update,
            )
        return torch.cat(logits, 1), torch.cat(matches, 1) if matches else None

    def _matches(
        self,
        by_clip: list[Tensor],
        frames: slice,
        reference: Tensor,
        masks: Tensor,
        last: Tensor,
        last_masks: Tensor,
    ) -> Tensor:
        """The matching cues (B, T', O, 4, h, w) of some frames.

        Args:
            by_clip: as for `_segment`.
            frames: which.
            reference: (B, C, h, w), layer3 of the reference frames.
            masks: (B, O, h, w), the objects' shares of their cells.
            last: (B, C, h, w), layer3 of the frames of the last update.
            last_masks: (B, O, h, w).
        """
        matching = self.refinement.matching
        assert matching is not None
        with torch.autocast(reference.device.type, enabled=False):
            keys = matching.keys(by_clip[2][:, frames].float().flatten(0, 1)).unflatten(
                0, (len(reference), -1)
            )
            first, last = matching.keys(reference), matching.keys(last)
            return torch.stack(
                [
                    matching_cues(
                        keys[i],
                        first[i, None, None],
                        masks[i, None],
                        last[i, None, None],
                        last_masks[i, None],
                    )
                    for i in range(len(reference))
                ]
            )

    @staticmethod
    def _cells(masks: Tensor, layer3: Tensor) -> Tensor:
        """The share of each cell of layer3 that masks cover: (B, O, H, W) -> (B, O, h, w)."""
        return F.interpolate(masks, layer3.shape[-2:], mode="area")

    def _priors(self, masks: Tensor, size: torch.Size, plan: StepPlan) -> Tensor | None:
        """What S is told of where the objects were, (B, T, O, h, w), where it is told."""
        if not self.recipe.model.prior:
            return None
        simulated = simulate_priors((masks == 1).float().flatten(0, 2), size, plan.seed)
        result: Tensor = simulated.unflatten(0, masks.shape[:3])
        return result

    def _segment(
        self,
        by_clip: list[Tensor],
        models: TargetModel,
        priors: Tensor | None,
        frames: slice,
        size: torch.Size,
        plan: StepPlan,
        matches: Tensor | None,
    ) -> Tensor:
        """Scores and S: features of all stages (B, T, C, h, w) -> logits (B, T', O, H, W) of some frames."""
        clips = by_clip[0].shape[0]
        objects = models.w1.shape[0] // clips
        chosen = [f[:, frames] for f in by_clip]
        scores = []
        for clip in range(clips):
            own = slice(clip * objects, (clip + 1) * objects)
            scores.append(TargetModel(models.w1[own], models.w2[own]).scores(chosen[2][clip].float()))
        seen = torch.cat(scores)  # (B*T', O, h, w)
        if self.recipe.target.distort > 0:
            seen = distort_scores(seen, self.recipe.target.distort, plan.seed + frames.start)
        with self._autocast(chosen[0].device):
            features = Features(*(f.flatten(0, 1) for f in chosen))
            prior = None if priors is None else priors[:, frames].flatten(0, 1)
            cues = None
            if matches is not None:
                cues = torch.cat([matches.flatten(0, 1), rival_scores(seen).unsqueeze(2)], 2)
            logits = self.refinement(features, seen, size, prior, cues)
        result: Tensor = logits.unflatten(0, (clips, -1))
        return result


def degrade_masks(labels: Tensor, share: float, seed: int) -> Tensor:
    """Make some reference masks worse, as people draw them: grown, shrunk or shifted by a few pixels.

    Args:
        labels: (B, O, H, W) of 0 and 1.
        share: which share of the clips is changed.
        seed: of the choice.

    Returns:
        The same shape. A mask that would vanish is left as it is.
    """
    rng = np.random.default_rng([seed, 1])
    result = labels.clone()
    for clip in range(labels.shape[0]):
        if rng.random() >= share:
            continue
        radius = 1 + int(rng.integers(max(1, labels.shape[-2] // 80)))
        mask = labels[clip : clip + 1]
        kind = rng.integers(3)
        if kind == 0:
            mask = F.max_pool2d(mask, 2 * radius + 1, 1, radius)
        elif kind == 1:
            mask = 1 - F.max_pool2d(1 - mask, 2 * radius + 1, 1, radius)
        else:
            shift = [int(s) for s in rng.integers(-radius, radius + 1, 2)]
            mask = F.pad(mask, (radius,) * 4)
            mask = mask.roll(shift, (2, 3))[:, :, radius:-radius, radius:-radius]
        kept = mask.sum((2, 3), keepdim=True) >= 20
        result[clip : clip + 1] = torch.where(kept, mask, labels[clip : clip + 1])
    return result
