"""F, D, S and the aggregation for the frames of one window: steps 4 to 6 of FRTM's Algorithm 1."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.compute.stopwatch import Stopwatch
from vosctl.compute.two_threads import halves, in_halves
from vosctl.systems.aggregation import aggregate
from vosctl.systems.backbone import STRIDE, Features
from vosctl.systems.frtm.matching import CUES, matching_cues, rival_scores
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.search_region import confine, search_region
from vosctl.systems.frtm.target_model import TargetModel


class Segmenter:
    """Segments the frames of one window: a function of tensors alone, so that a graph can capture it.

    Args:
        model: F and S.
        refine: use S.
        nearby: look for objects only around where they were.
        shows_prior: let S see where the objects were, and matches; else it is told that nothing is known.
        at_once: how many masks, frames times objects, to compute at a time; bounds memory.
        stopwatch: measures the stages.
    """

    def __init__(
        self,
        model: FRTMModel,
        refine: bool,
        nearby: bool,
        shows_prior: bool,
        at_once: int,
        stopwatch: Stopwatch,
    ) -> None:
        self._backbone = model.backbone
        self._refinement = model.refinement if refine else None
        self._nearby = nearby
        self._shows_prior = shows_prior
        self._at_once = at_once
        self._stage = stopwatch.stage

    def __call__(
        self,
        images: Tensor,
        w1: Tensor,
        w2: Tensor,
        priors: Tensor,
        extents: Tensor,
        first_keys: Tensor,
        first_masks: Tensor,
        last_keys: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Segment frames.

        Args:
            images: (B, 3, H, W), RGB, uint8 or in [0, 1].
            w1: (O, 96, C), of the target models.
            w2: (O, 9, 96).
            priors: (O, h, w), the objects' masks at the last update.
            extents: (O,), their areas lately.
            first_keys: (O, 64, h, w), of `Matching`, as the next two; not looked at where nothing is matched.
            first_masks: (O, h, w), the objects' masks in their first frames.
            last_keys: (O, 64, h, w), at the last update.

        Returns:
            layer3 (B, C, h, w) and probabilities (B, O+1, H, W), background first; both at least float32.
        """
        targets = TargetModel(w1, w2)
        count, _, height, width = images.shape
        probabilities = w1.new_empty(count, len(w1) + 1, height, width)
        layer3 = torch.empty(
            (count, w1.shape[2], -(-height // STRIDE), -(-width // STRIDE)),
            dtype=w1.dtype, device=w1.device, memory_format=torch.channels_last,
        )  # fmt: skip
        region = search_region(priors, extents) if self._nearby else None
        if not self._shows_prior:
            priors = torch.zeros_like(priors)
        step = max(1, self._at_once // len(w1))
        at_a_time = halves(count, images.device)

        def segment(part: slice) -> None:
            batches = (whole[part].split(step) for whole in (images, layer3, probabilities))
            for some, kept, result in zip(*batches, strict=True):
                with self._stage("features", at_a_time):
                    some = some.contiguous(memory_format=torch.channels_last)
                    features = self._backbone(some, any_layout=True)
                    kept.copy_(features.layer3)
                with self._stage("target model", at_a_time):
                    scores = targets.scores(kept)  # (B, O, h, w)
                    if region is not None:
                        scores = confine(scores, region)
                with self._stage("refinement", at_a_time):
                    cues = self._cues(kept, scores, first_keys, first_masks, last_keys, priors)
                    logits = self._logits(features, scores, priors, cues, some.shape[-2:])
                with self._stage("aggregation", at_a_time):
                    aggregate(logits, out=result)

        in_halves(segment, count, images.device)
        return layer3, probabilities

    def _cues(self, layer3: Tensor, scores: Tensor, *remembered: Tensor) -> Tensor | None:
        """The cues (B, O, 5, h, w) of a network that matches; `remembered` as `matching_cues` takes them."""
        matching = self._refinement.matching if self._refinement is not None else None
        if matching is None:
            return None
        if not self._shows_prior:
            return scores.new_zeros(*scores.shape[:2], CUES, *scores.shape[2:])
        keys = matching.keys(layer3)
        one_by_one = zip(*(part.split(1) for part in remembered), strict=True)  # bounds memory
        matches = [matching_cues(keys, *(part[None] for part in own)) for own in one_by_one]
        return torch.cat([torch.cat(matches, 1), rival_scores(scores).unsqueeze(2)], 2)

    def _logits(
        self, features: Features, scores: Tensor, priors: Tensor, cues: Tensor | None, size: torch.Size
    ) -> Tensor:
        """Masks of all objects: coarse scores (B, O, h, w) -> logits (B, O, H, W)."""
        network = self._refinement
        if network is None:
            enlarged = F.interpolate(scores, size, mode="bilinear", align_corners=False)
            return torch.logit(enlarged, eps=1e-6)
        groups = []
        step = max(1, self._at_once // len(scores))
        for first in range(0, scores.shape[1], step):
            own = slice(first, first + step)
            prior = priors[own].expand(len(scores), -1, -1, -1) if network.prior else None
            groups.append(
                network(features, scores[:, own], size, prior, None if cues is None else cues[:, own])
            )
        return torch.cat(groups, 1)
