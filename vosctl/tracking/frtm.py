"""FRTM: a target model per object, the refinement network that all share, and their update (Algorithm 1).

Between two updates the frames of a clip do not depend on each other, so `predict` takes any number of them up
to `frames_until_update` and gives the same result as one by one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.errors import DeviceError
from vosctl.models.aggregation import at_least_float32
from vosctl.models.graphs import Captured
from vosctl.models.model import FRTMModel
from vosctl.models.target_memory import TargetMemory, refit_last_layer
from vosctl.models.target_model import TargetModel, fit_target_model
from vosctl.tracking.initial_samples import initial_samples, sample_weights
from vosctl.tracking.settings import TrackerSettings
from vosctl.tracking.stopwatch import Stopwatch
from vosctl.tracking.window import Window

_FEWEST_PIXELS = 10  # an object that is smaller in a frame is taken for lost there and not learned from
# How much F and S take at a time: frames times objects. It bounds memory; and a CPU is fastest with what its
# caches hold.
_MAPS_AT_ONCE_ON_CPU = 2
_MAPS_AT_ONCE_ON_GPU = 32


class FRTM:
    """Tracks the objects of one clip.

    Attributes:
        object_ids: of the objects so far, in the order of all O dimensions.
        notes: what went otherwise than expected, for the run's summary.
    """

    def __init__(
        self, model: FRTMModel, settings: TrackerSettings, stopwatch: Stopwatch | None = None
    ) -> None:
        self.model = model
        self.settings = settings
        self.object_ids: list[int] = []
        self.notes: list[str] = []
        self._stopwatch = stopwatch or Stopwatch()
        self._memories: list[TargetMemory] = []
        self._w2: list[Tensor] = []  # (9, 96) each
        self._until_update = settings.update_interval
        self._maps_at_once = _MAPS_AT_ONCE_ON_CPU if model.device.type == "cpu" else _MAPS_AT_ONCE_ON_GPU
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
        self._memories = [TargetMemory.from_state(one, device, self.model.dtype) for one in objects]

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
                original = self._layer3_of(images[:1])
            features = original
            if len(images) > 1:
                features = torch.cat([original, self._layer3_of(images[1:])])
            weights = sample_weights(len(images))
            schedule = self.model.schedule
            fitted = fit_target_model(features[None], labels[None], weights, schedule, [seed])
            memory = TargetMemory(fitted.w1[0], self.model.dtype)
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
        """Segment frames of one window: steps 4 to 6. Takes less at a time where the device has no room.

        Args:
            images: (B, 3, H, W), RGB, uint8 or in [0, 1].

        Returns:
            (B, O+1, H, W) float32 probabilities, background first.

        Raises:
            DeviceError: not even one object of one frame fits.
        """
        while True:
            try:
                return self._predict(images)
            except torch.OutOfMemoryError as error:
                height, width = images.shape[-2:]
                if self._maps_at_once == 1:
                    raise DeviceError(
                        f"{self.model.device} has no room for one object at {width}x{height}; use --max-size"
                    ) from error
            self._maps_at_once //= 2
            if self.model.device.type == "cuda":
                torch.cuda.empty_cache()
            at_once = "1 object of 1 frame" if self._maps_at_once == 1 else f"{self._maps_at_once} masks"
            self.notes = [f"the device's memory is small for this: {at_once} at a time, which is slower"]

    def _predict(self, images: Tensor) -> Tensor:
        w1 = torch.stack([memory.w1 for memory in self._memories])
        w2, priors = torch.stack(self._w2), torch.stack(self._prior)
        self._layer3, probabilities = self._window()(images, w1, w2, priors)
        return probabilities

    def scores(self) -> Tensor:
        """Coarse scores (B, O, 1, h, w) of the frames predicted last."""
        assert self._layer3 is not None
        w1 = torch.stack([memory.w1 for memory in self._memories])
        return TargetModel(w1, torch.stack(self._w2)).scores(self._layer3).unsqueeze(2)

    def _window(self) -> Callable[..., tuple[Tensor, ...]]:
        """What computes; on a GPU a graph that all clips share, unless stages are to be measured."""
        refine, at_once = self.settings.refine, self._maps_at_once
        window = Window(self.model, refine, at_once, self._stopwatch)
        if self.model.device.type != "cuda" or self._stopwatch.measures:
            return window
        return self.model.captured.setdefault((refine, at_once), Captured(window))

    def learn(self, probabilities: Tensor, winner: Tensor, fresh: frozenset[int] = frozenset()) -> None:
        """Remember the frames predicted last; update the target models when their turn comes (steps 7 to 9).

        Args:
            probabilities: (B, O+1, H, W) of those frames, corrected where a person has given masks.
            winner: (B, H, W), the highest of them at each pixel.
            fresh: objects that `start` has just learned from the same frame.
        """
        assert self._layer3 is not None
        with self._stopwatch.stage("memory"):
            if self.settings.update:
                self._remember(probabilities, winner, fresh)
        self._until_update -= len(probabilities)
        if self._until_update == 0:
            self._until_update = self.settings.update_interval
            with self._stopwatch.stage("update"):
                self._update(probabilities, winner)

    def _remember(self, probabilities: Tensor, winner: Tensor, fresh: frozenset[int]) -> None:
        """Extend the memories by the frames in which their objects are seen."""
        assert self._layer3 is not None
        pixels = torch.stack([(winner == i + 1).sum((1, 2)) for i in range(len(self.object_ids))])  # (O, B)
        seen = (pixels >= _FEWEST_PIXELS).tolist()  # the one time in a window that the host waits
        for index, memory in enumerate(self._memories):
            frames = [frame for frame, there in enumerate(seen[index]) if there]
            if self.object_ids[index] in fresh or not frames:
                continue
            whole = len(frames) == len(winner)  # no copies then
            won, soft = winner == index + 1, probabilities[:, index + 1]  # (B, H, W)
            labels = (soft if whole else soft[frames]) * (won if whole else won[frames])
            features = self._layer3 if whole else self._layer3[frames]
            self._stopwatch.count("memory", len(frames))
            memory.extend(features, labels, self.settings.learning_rate)

    def _update(self, probabilities: Tensor, winner: Tensor) -> None:
        """Fit the target models to what is remembered; note where the objects are now."""
        assert self._layer3 is not None
        for index in range(len(self.object_ids)):
            mask = probabilities[-1, index + 1] * (winner[-1] == index + 1)
            self._prior[index] = _shrink(mask, self._layer3.shape[-2:])
        if self.settings.update:
            w2 = refit_last_layer(torch.stack(self._w2), self._memories, self.model.schedule.update)
            self._w2 = list(w2)

    def _layer3_of(self, images: Tensor) -> Tensor:
        """All that the target model needs: (B, 3, H, W) -> (B, C, h, w), at least float32."""
        some = images.contiguous(memory_format=torch.channels_last).split(self._maps_at_once)
        return torch.cat([at_least_float32(self.model.backbone(part, 3).layer3) for part in some])


def _shrink(mask: Tensor, size: torch.Size) -> Tensor:
    """The share of each cell that a mask covers: (H, W) -> (h, w)."""
    return F.interpolate(mask[None, None], tuple(size), mode="area")[0, 0]
