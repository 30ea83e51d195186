"""Base net on a clip: objects are encoded in their first frame, and nothing is learned later."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vosctl.compute.stopwatch import Stopwatch
from vosctl.systems.aggregation import aggregate
from vosctl.systems.backbone import Features
from vosctl.systems.base_net.model import BaseNetModel
from vosctl.systems.settings import TrackerSettings

_FRAMES_AT_ONCE = 8


class BaseNetSystem:
    """Follows the objects of one clip.

    Attributes:
        object_ids: of the objects so far, in the order of all O dimensions.
        notes: what went otherwise than expected, for the run's summary.
    """

    def __init__(self, model: BaseNetModel, settings: TrackerSettings, stopwatch: Stopwatch) -> None:
        self.model, self.settings = model, settings
        self.object_ids: list[int] = []
        self.notes: list[str] = []
        self._stage = stopwatch.stage
        self._encodings: dict[int, Tensor] = {}  # (64, h, w) each
        self._scores: Tensor | None = None

    @property
    def frames_until_update(self) -> int:
        """How many frames may be predicted at a time; it is never updated."""
        return _FRAMES_AT_ONCE

    def start(self, image: Tensor, masks: Mapping[int, Tensor]) -> None:
        """Encode new objects, or objects that are corrected: image (3, H, W), masks (H, W) by id."""
        if not masks:
            return
        reference = self._features(image[None]).layer3
        found = self.model.network.encode(reference, torch.stack(list(masks.values()))[None])[0]
        self._encodings |= zip(masks, found, strict=True)
        self.object_ids = list(self._encodings)

    def predict(self, images: Tensor) -> Tensor:
        """Segment frames: (B, 3, H, W) -> (B, O+1, H, W), background first."""
        encoding = torch.stack([self._encodings[one] for one in self.object_ids])[None]
        logits, scores = [], []
        for image in images.split(1):
            with self._stage("features"):
                features = self._features(image)
            with self._stage("target model"):
                scores.append(self.model.network.scores(encoding, features.layer3))
            with self._stage("refinement"):
                logits.append(self.model.network.refinement(features, scores[-1], image.shape[-2:]))
        self._scores = torch.cat(scores)
        with self._stage("aggregation"):
            return aggregate(torch.cat(logits))

    def learn(self, probabilities: Tensor, argmax: Tensor, fresh: frozenset[int] = frozenset()) -> None:
        """Nothing: an object stays as its first frame shows it."""

    def scores(self) -> Tensor:
        """The maps that S saw of the frames predicted last, (B, O, 1, h, w)."""
        assert self._scores is not None
        return self._scores.float().unsqueeze(2)

    def state_dict(self) -> dict[str, Any]:
        """All that later frames depend on, as `System` says."""
        return {"encodings": dict(self._encodings)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same model and settings."""
        self._encodings = {one: part.to(self.model.device) for one, part in state["encodings"].items()}
        self.object_ids = list(self._encodings)

    def _features(self, images: Tensor) -> Features:
        found: Features = self.model.backbone(images.contiguous(memory_format=torch.channels_last))
        return found
