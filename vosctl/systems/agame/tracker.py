"""A-GAME along a clip: every frame depends on the one before, so the window is one frame."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vosctl.compute.stopwatch import Stopwatch
from vosctl.errors import UsageError
from vosctl.systems.agame.appearance import Gaussians
from vosctl.systems.agame.model import AGAMEModel
from vosctl.systems.agame.network import Prediction, State, shrink_masks
from vosctl.systems.aggregation import aggregate
from vosctl.systems.backbone import Features
from vosctl.systems.settings import TrackerSettings

_OBJECTS_AT_ONCE = 8  # through the upsampling module, whose maps are large: it bounds memory


class AGAMESystem:
    """Tracks the objects of one clip.

    Each object has a state of its own, from the frame on in which it joined.

    Raises:
        UsageError: the settings ask for D-only, which is FRTM's.
    """

    def __init__(
        self, model: AGAMEModel, settings: TrackerSettings, stopwatch: Stopwatch | None = None
    ) -> None:
        if not settings.refine:
            raise UsageError(f"{model.name}: d-only is a variant of FRTM; A-GAME has the variant no-update")
        self.model = model
        self.settings = settings
        self.notes: list[str] = []
        self._stage = (stopwatch or Stopwatch()).stage
        self._states: dict[int, State] = {}
        self._before: State | None = None  # the state that the last prediction was made with, and
        self._prediction: Prediction | None = None  # that prediction

    @property
    def object_ids(self) -> list[int]:
        """The ids of the objects so far, in the order of all O dimensions."""
        return list(self._states)

    @property
    def frames_until_update(self) -> int:
        """Always 1: the network is recurrent."""
        return 1

    def state_dict(self) -> dict[str, Any]:
        """All that later frames depend on, as `System` says."""
        return {
            "objects": [
                {
                    "id": object_id,
                    "reference": state.reference,
                    "gaussians": list(state.gaussians) if state.gaussians else None,
                    "masks": state.masks,
                }
                for object_id, state in self._states.items()
            ]
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same model and settings."""
        self._states = {}
        for one in state["objects"]:
            gaussians = Gaussians(*one["gaussians"]) if one["gaussians"] else None
            loaded = State(one["reference"], gaussians, one["masks"])
            self._states[int(one["id"])] = _move(loaded, self.model.device)

    def start(self, image: Tensor, masks: Mapping[int, Tensor]) -> None:
        """Take in new objects, or corrections of objects that already run: those start anew.

        Args:
            image: (3, H, W), RGB in [0, 1].
            masks: (H, W) of 0 and 1 per object id.
        """
        if not masks:
            return
        maps = shrink_masks(torch.stack(list(masks.values()))[None])  # (1, O, h, w)
        state = self.model.network.start(self._features(image[None]).layer4, maps)
        self._states |= zip(masks, state.split(), strict=True)

    def predict(self, images: Tensor) -> Tensor:
        """Segment one frame.

        Args:
            images: (1, 3, H, W), RGB, uint8 or in [0, 1].

        Returns:
            (1, O+1, H, W) float32 probabilities, background first.
        """
        network = self.model.network
        with self._stage("features"):
            features = self._features(images)
        with self._stage("coarse masks"):
            self._before = State.join(list(self._states.values()))
            self._prediction = network(features.layer4, self._before)
        with self._stage("upsampling"):
            logits = [
                network.upsampling(encoding, features, images.shape[-2:])
                for encoding in self._prediction.encoding.split(_OBJECTS_AT_ONCE)
            ]
        with self._stage("aggregation"):
            return aggregate(torch.cat(logits, 1))

    def learn(self, probabilities: Tensor, argmax: Tensor, fresh: frozenset[int] = frozenset()) -> None:
        """Take in what became of the frame predicted last: the Gaussians learn, the masks are passed on.

        Args:
            probabilities: (1, O+1, H, W) of that frame, corrected where a person has given masks.
            argmax: not used; the paper learns from soft masks.
            fresh: objects that `start` has just learned from the same frame.
        """
        assert self._prediction is not None
        assert self._before is not None
        predicted = self._before.masks.shape[1]  # objects; others may have joined since, they come last
        if len(self._states) == 1:
            masks = torch.sigmoid(self._prediction.coarse)
        else:
            masks = shrink_masks(probabilities[:, 1 : predicted + 1])
        rate = self.settings.learning_rate if self.settings.update else 0.0
        with self._stage("update"):
            after = self.model.network.update(self._before, self._prediction, masks, rate)
        for object_id, state in zip(self.object_ids[:predicted], after.split(), strict=True):
            if object_id not in fresh:
                self._states[object_id] = state

    def scores(self) -> Tensor:
        """Log-likelihoods (1, O, K, h, w) of the frame predicted last.

        Without an appearance module they are the coarse masks instead, K = 1.
        """
        assert self._prediction is not None
        if self._prediction.scores is None:
            return torch.sigmoid(self._prediction.coarse).unsqueeze(2)
        return self._prediction.scores

    def _features(self, images: Tensor) -> Features:
        """(B, 3, H, W), bytes or in [0, 1], H and W multiples of 16 -> all stages."""
        features: Features = self.model.backbone(images.contiguous(memory_format=torch.channels_last))
        return features


def _move(state: State, device: torch.device) -> State:
    """A copy on another device."""
    return State(
        None if state.reference is None else state.reference.to(device, copy=True),
        None if state.gaussians is None else Gaussians(*(g.to(device, copy=True) for g in state.gaussians)),
        state.masks.to(device, copy=True),
    )
