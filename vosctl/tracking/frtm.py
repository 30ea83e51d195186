"""FRTM: a target model per object, the refinement network that all share, and their update (Algorithm 1).

Between two updates the frames of a clip do not depend on each other, so `predict` takes any number of them up
to `frames_until_update` and gives the same result as one by one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.models.aggregation import aggregate, at_least_float32
from vosctl.models.backbone import Features
from vosctl.models.model import FRTMModel
from vosctl.models.target_memory import TargetMemory, refit_last_layer
from vosctl.models.target_model import TargetModel, fit_target_model
from vosctl.tracking.initial_samples import initial_samples, sample_weights
from vosctl.tracking.settings import TrackerSettings

_FEWEST_PIXELS = 10  # an object that is smaller in a frame is taken for lost there and not learned from
# How much F and S take at a time. It bounds memory; and a CPU is fastest with what its caches hold.
_OBJECTS_AT_ONCE_ON_CPU = 4
_OBJECTS_AT_ONCE_ON_GPU = 8  # times frames


class FRTM:
    """Tracks the objects of one clip.

    Attributes:
        object_ids: of the objects so far, in the order of all O dimensions.
    """

    def __init__(self, model: FRTMModel, settings: TrackerSettings) -> None:
        self.model = model
        self.settings = settings
        self.object_ids: list[int] = []
        self._memories: list[TargetMemory] = []
        self._w2: list[Tensor] = []  # (9, 96) each
        self._until_update = settings.update_interval
        self._on_cpu = model.device.type == "cpu"
        self._objects_at_once = _OBJECTS_AT_ONCE_ON_CPU if self._on_cpu else _OBJECTS_AT_ONCE_ON_GPU
        self._layer3: Tensor | None = None  # (B, C, h, w) float32, of the frames predicted last
        self._prior: list[Tensor] = []  # (h, w) each, the mask at the last update, at layer3's size

    @property
    def frames_until_update(self) -> int:
        """How many frames may be predicted before the next `learn`."""
        return self._until_update

    def state_dict(self) -> dict[str, Any]:
        """All that later frames depend on: tensors on the host and plain data."""
        return {
            "until_update": self._until_update,
            "objects": [
                {"id": i, "w2": w2.cpu().clone(), "prior": prior.cpu(), **memory.state_dict()}
                for i, w2, prior, memory in zip(
                    self.object_ids, self._w2, self._prior, self._memories, strict=True
                )
            ],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same model and settings."""
        objects, device = state["objects"], self.model.device
        self._until_update = int(state["until_update"])
        self.object_ids = [int(one["id"]) for one in objects]
        self._w2 = [one["w2"].to(device) for one in objects]
        self._prior = [one["prior"].to(device) for one in objects]
        self._memories = [TargetMemory.from_state(one, device) for one in objects]

    def start(self, image: Tensor, masks: Mapping[int, Tensor]) -> None:
        """Take in new objects, or corrections of objects that already run.

        A new object's target model is fitted to this frame and variations of it. A corrected object starts
        anew in the same way: what it has learned since the mistake began is not to be trusted. (On six
        sequences of DAVIS 2016 val with a true mask in the middle, J of the second half is then 0.844 on
        average; 0.825 if the object keeps w1 and its memory, of which the correction becomes one half; 0.760
        uncorrected.)

        Args:
            image: (3, H, W), RGB in [0, 1].
            masks: (H, W) of 0 and 1 per object id.
        """
        original: Tensor | None = None  # layer3 of the frame itself, the same for all objects
        for object_id, mask in masks.items():
            seed = self.settings.seed + object_id
            images, labels = initial_samples(image, mask, self.settings.initial_samples, seed)
            if original is None:
                original = at_least_float32(self._features(images[:1]).layer3)
            features = original
            if len(images) > 1:
                features = torch.cat([original, at_least_float32(self._features(images[1:]).layer3)])
            weights = sample_weights(len(images))
            schedule = self.model.schedule
            fitted = fit_target_model(features[None], labels[None], weights, schedule, [seed])
            memory = TargetMemory(fitted.w1[0])
            memory.start(features, labels, weights)
            w2 = refit_last_layer(fitted.w2, [memory], schedule.update)[0]
            prior = _shrink(mask, original.shape[-2:])
            if object_id in self.object_ids:
                index = self.object_ids.index(object_id)
                self._memories[index], self._w2[index], self._prior[index] = memory, w2, prior
            else:
                self.object_ids.append(object_id)
                self._memories.append(memory)
                self._w2.append(w2)
                self._prior.append(prior)

    def predict(self, images: Tensor) -> Tensor:
        """Segment frames of one window: steps 4 to 6.

        Args:
            images: (B, 3, H, W), RGB in [0, 1].

        Returns:
            (B, O+1, H, W) float32 probabilities, background first.
        """
        targets = TargetModel(torch.stack([m.w1 for m in self._memories]), torch.stack(self._w2))
        at_once = 1 if self._on_cpu else max(1, self._objects_at_once // len(self.object_ids))
        layer3, probabilities = [], []
        for some in images.split(at_once):
            features = self._features(some)
            layer3.append(at_least_float32(features.layer3))
            logits = self._logits(features, targets.scores(layer3[-1]), some.shape[-2:])
            probabilities.append(aggregate(logits))
        self._layer3 = torch.cat(layer3)
        return torch.cat(probabilities)

    def _logits(self, features: Features, scores: Tensor, size: torch.Size) -> Tensor:
        """Masks of all objects: coarse scores (B, O, h, w) -> logits (B, O, H, W)."""
        refinement = self.model.refinement
        if refinement is None or not self.settings.refine:
            enlarged = F.interpolate(scores, size, mode="bilinear", align_corners=False)
            return torch.logit(enlarged, eps=1e-6)
        groups: Iterable[tuple[Tensor, ...]] = zip(scores.split(self._objects_at_once, 1), strict=True)
        if refinement.prior:
            priors = torch.stack(self._prior).expand_as(scores)  # (B, O, h, w)
            groups = zip(*(m.split(self._objects_at_once, 1) for m in (scores, priors)), strict=True)
        return torch.cat([refinement(features, group[0], size, *group[1:]) for group in groups], 1)

    def learn(self, probabilities: Tensor, winner: Tensor, fresh: frozenset[int] = frozenset()) -> None:
        """Remember the frames predicted last; update the target models when their turn comes (steps 7 to 9).

        Args:
            probabilities: (B, O+1, H, W) of those frames, corrected where a person has given masks.
            winner: (B, H, W), the highest of them at each pixel.
            fresh: objects that `start` has just learned from the same frame.
        """
        assert self._layer3 is not None
        if self.settings.update:
            for index, (object_id, memory) in enumerate(zip(self.object_ids, self._memories, strict=True)):
                if object_id in fresh:
                    continue
                won = winner == index + 1  # (B, H, W)
                seen = (won.sum((1, 2)) >= _FEWEST_PIXELS).nonzero().squeeze(1)
                if len(seen):
                    labels = probabilities[seen, index + 1] * won[seen]
                    memory.extend(self._layer3[seen], labels, self.settings.learning_rate)
        self._until_update -= len(probabilities)
        if self._until_update == 0:
            self._until_update = self.settings.update_interval
            for index in range(len(self.object_ids)):
                mask = probabilities[-1, index + 1] * (winner[-1] == index + 1)
                self._prior[index] = _shrink(mask, self._layer3.shape[-2:])
            if self.settings.update:
                w2 = refit_last_layer(torch.stack(self._w2), self._memories, self.model.schedule.update)
                self._w2 = list(w2)

    def _features(self, images: Tensor) -> Features:
        images = images.to(self.model.dtype).contiguous(memory_format=torch.channels_last)
        features: Features = self.model.backbone(images)
        return features


def _shrink(mask: Tensor, size: torch.Size) -> Tensor:
    """The share of each cell that a mask covers: (H, W) -> (h, w)."""
    return F.interpolate(mask[None, None], tuple(size), mode="area")[0, 0]
