"""The baseline F.-T. of FRTM's Table 1: D and S are fitted together to the first frame by gradient descent.

Section 4.1: 20 samples of the first frame, all of the network but F, the loss of eq. (2) on D and binary
cross-entropy on S, Adam, 100 iterations, batches of four; D starts at random, and no Gauss-Newton step is
taken. Not printed are the learning rates (here S's last one in training, and ten times that for the random D)
and how the two losses are weighed (here each is a mean over pixels). Nothing is learned afterwards.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.compute.stopwatch import Stopwatch
from vosctl.errors import WeightsError
from vosctl.systems.aggregation import aggregate
from vosctl.systems.backbone import Features, fold_batch_norms
from vosctl.systems.frtm.initial_samples import boxes_of, initial_samples, sample_weights
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.refinement_fused import FusedRefinementNetwork
from vosctl.systems.frtm.score_grid_loss import pixel_weights
from vosctl.systems.frtm.target_model import LAMBDA, TargetModel
from vosctl.systems.settings import TrackerSettings

ITERATIONS, BATCH = 100, 4
RATE_OF_D, RATE_OF_S = 1e-3, 1e-4


class FineTuned:
    """Follows the objects of one clip; each has a D and an S of its own.

    Attributes:
        object_ids: of the objects so far, in the order of all O dimensions.
        notes: what went otherwise than expected, for the run's summary.
    """

    def __init__(
        self, model: FRTMModel, settings: TrackerSettings, stopwatch: Stopwatch | None = None
    ) -> None:
        if model.refinement is None:
            raise WeightsError(
                f"{model.name}: has no refinement network to be fine-tuned; add one with --refinement FILE"
            )
        self.model, self.settings = model, settings
        self.object_ids: list[int] = []
        self.notes: list[str] = []
        self._stage = (stopwatch or Stopwatch()).stage
        self._targets: dict[int, TargetModel] = {}
        self._networks: dict[int, FusedRefinementNetwork] = {}
        self._layer3: Tensor | None = None

    @property
    def frames_until_update(self) -> int:
        """How many frames may be predicted at a time; it is never updated."""
        return self.settings.update_interval

    def start(self, image: Tensor, masks: Mapping[int, Tensor]) -> None:
        """Take in new objects, or corrections of objects that already run, which start anew.

        Args:
            image: (3, H, W), RGB in [0, 1].
            masks: (H, W) of 0 and 1 per object id.
        """
        for object_id, mask in masks.items():
            with torch.inference_mode(False):  # in which nothing could be differentiated
                self._learn(object_id, image.clone(), mask.clone())
        self.object_ids = list(self._targets)

    def predict(self, images: Tensor) -> Tensor:
        """Segment frames: (B, 3, H, W) -> (B, O+1, H, W), background first."""
        logits, layer3 = [], []
        for image in images.split(1):
            with self._stage("features"):
                features = self._features(image)
            layer3.append(features.layer3)
            with self._stage("refinement"):
                own = [self._segment(one, features, image.shape[-2:]) for one in self.object_ids]
            logits.append(torch.cat(own, 1))
        self._layer3 = torch.cat(layer3)
        with self._stage("aggregation"):
            return aggregate(torch.cat(logits))

    def learn(self, probabilities: Tensor, argmax: Tensor, fresh: frozenset[int] = frozenset()) -> None:
        """Nothing: the networks stay as the first frame has made them."""

    def scores(self) -> Tensor:
        """Coarse scores (B, O, 1, h, w) of the frames predicted last."""
        assert self._layer3 is not None
        own = [self._targets[one].scores(self._layer3) for one in self.object_ids]
        return torch.cat(own, 1).unsqueeze(2)

    def state_dict(self) -> dict[str, Any]:
        """All that later frames depend on, as `System` says."""
        return {
            "ids": list(self.object_ids),
            "targets": {one: (target.w1, target.w2) for one, target in self._targets.items()},
            "networks": {one: network.state_dict() for one, network in self._networks.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same model and settings."""
        self.object_ids = list(state["ids"])
        device = self.model.device
        self._targets = {
            one: TargetModel(*(part.to(device) for part in parts)) for one, parts in state["targets"].items()
        }
        self._networks = {}
        for one, parameters in state["networks"].items():
            self._networks[one] = self._network()
            self._networks[one].load_state_dict(parameters)

    def _learn(self, object_id: int, image: Tensor, mask: Tensor) -> None:
        count = self.settings.initial_samples
        seed = self.settings.seed + object_id
        images, labels = initial_samples(image, mask, count, seed, boxes_of(mask[None])[0])
        with torch.no_grad():
            samples = [self._features(one[None]) for one in images]
        labels, size = labels.float(), image.shape[-2:]
        start = TargetModel.random(samples[0].layer3.shape[1], [seed], labels)
        w1, w2 = start.w1.requires_grad_(), start.w2.requires_grad_()
        network = self._network().requires_grad_(True)
        optimizer = torch.optim.Adam(
            [{"params": [w1, w2], "lr": RATE_OF_D}, {"params": list(network.parameters()), "lr": RATE_OF_S}]
        )
        weights = sample_weights(count).to(labels) * count  # 1 on average
        generator = torch.Generator().manual_seed(seed)
        for _ in range(ITERATIONS):
            chosen = torch.randperm(count, generator=generator)[:BATCH].tolist()
            stages = zip(*(samples[k] for k in chosen), strict=True)
            features = Features(*(torch.cat(parts) for parts in stages))
            optimizer.zero_grad(set_to_none=True)
            with torch.enable_grad():
                loss = _loss(TargetModel(w1, w2), network, features, labels[chosen], weights[chosen], size)
                loss.backward()
            optimizer.step()
        self._targets[object_id] = TargetModel(w1.detach(), w2.detach())
        self._networks[object_id] = network.requires_grad_(False)

    def _network(self) -> FusedRefinementNetwork:
        """A copy of S as the model has it, in float32."""
        own = self.model.refinement
        assert own is not None
        network = FusedRefinementNetwork(self.model.backbone.channels, own.prior, own.width).eval()
        fold_batch_norms(network)
        network.load_state_dict(own.state_dict())
        return network.to(self.model.device, torch.float32)

    def _segment(self, object_id: int, features: Features, size: torch.Size) -> Tensor:
        """The logits of one object in one frame, (1, 1, H, W)."""
        scores = self._targets[object_id].scores(features.layer3)
        return _refined(self._networks[object_id], features, scores, size)

    def _features(self, images: Tensor) -> Features:
        """All stages of frames (B, 3, H, W), in float32."""
        found = self.model.backbone(images.contiguous(memory_format=torch.channels_last))
        return Features(*(stage.float() for stage in found))


def _refined(network: FusedRefinementNetwork, features: Features, scores: Tensor, size: torch.Size) -> Tensor:
    """What S makes of scores (B, 1, h, w) where nothing is known of the object's last place: (B, 1, H, W)."""
    prior = torch.zeros_like(scores) if network.prior else None
    logits: Tensor = network(features, scores, size, prior)
    return logits


def _loss(
    target: TargetModel,
    network: FusedRefinementNetwork,
    features: Features,
    labels: Tensor,
    weights: Tensor,
    size: torch.Size,
) -> Tensor:
    """Eq. (2) on D and binary cross-entropy on S.

    Args:
        target: D of one object.
        network: S.
        features: of B samples.
        labels: (B, H, W) of 0 and 1.
        weights: (B,), gamma.
        size: (H, W).
    """
    scores = target.scores(features.layer3)  # (B, 1, h, w)
    enlarged = F.interpolate(scores, size, mode="bilinear", align_corners=False)[:, 0]
    data = (weights[:, None, None] * pixel_weights(labels) * (labels - enlarged).square()).mean()
    decay = LAMBDA[0] * target.w1.square().sum() + LAMBDA[1] * target.w2.square().sum()
    logits = _refined(network, features, scores, size)[:, 0]
    return data + decay + F.binary_cross_entropy_with_logits(logits, labels)
