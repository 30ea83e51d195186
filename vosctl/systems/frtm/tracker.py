"""FRTM: a target model per object, the refinement network that all share, and their update (Algorithm 1).

Between two updates the frames of a clip do not depend on each other, so `predict` takes any number of them up
to `frames_until_update` and gives the same result as one by one.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from vosctl.compute.devices import upload
from vosctl.compute.graphs import Captured, Function
from vosctl.compute.stopwatch import Stopwatch
from vosctl.compute.two_threads import in_halves
from vosctl.errors import DeviceError
from vosctl.systems.aggregation import at_least_float32
from vosctl.systems.frtm.initial_samples import boxes_of, initial_samples, sample_weights
from vosctl.systems.frtm.learning import Extension, FirstFrame, Learned, Update, joined
from vosctl.systems.frtm.matching import Matching
from vosctl.systems.frtm.memory import memory_of
from vosctl.systems.frtm.memory_schedule import MemorySchedule
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.search_region import confine, search_region
from vosctl.systems.frtm.segmenter import Segmenter
from vosctl.systems.frtm.target_model import TargetModel
from vosctl.systems.settings import TrackerSettings

T = TypeVar("T")

# How much is computed at a time: frames or samples, times objects. It bounds memory; and a CPU is fastest
# with what its caches hold.
_MAPS_AT_ONCE_ON_CPU = 2
_MAPS_AT_ONCE_ON_GPU = 32


class FRTM:
    """Tracks the objects of one clip.

    Attributes:
        object_ids: of the objects so far, in the order of all O dimensions.
    """

    def __init__(
        self, model: FRTMModel, settings: TrackerSettings, stopwatch: Stopwatch | None = None
    ) -> None:
        self.model = model
        self.settings = settings
        self.object_ids: list[int] = []
        self._room_notes: list[str] = []
        self._stopwatch = stopwatch or Stopwatch()
        self._until_update = settings.update_interval
        self._fits = model.schedule.adapted(settings)
        self._schedule = MemorySchedule(
            settings.learning_rate, settings.update_interval, settings.memory_interval
        )
        self._maps_at_once = _MAPS_AT_ONCE_ON_CPU if model.device.type == "cpu" else _MAPS_AT_ONCE_ON_GPU
        self._learned: Learned | None = None  # None before the first object
        self._layer3: Tensor | None = None  # (B, C, h, w) float32, of the frames predicted last

    @property
    def notes(self) -> list[str]:
        """What went otherwise than expected, for the run's summary."""
        failure = self.model.graphs.failure if self.model.device.type == "cuda" else None
        of_graphs = [f"no CUDA graphs, so that it was slower: {failure}"] if failure else []
        return self._room_notes + of_graphs

    @property
    def frames_until_update(self) -> int:
        """How many frames may be predicted before the next `learn`."""
        return self._until_update

    def state_dict(self) -> dict[str, Any]:
        """All that later frames depend on, as `System` says."""
        return {
            "until_update": self._until_update,
            "ids": list(self.object_ids),
            "objects": {} if self._learned is None else self._learned.by_name(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same model and settings."""
        self._until_update = int(state["until_update"])
        self.object_ids = list(state["ids"])
        objects = {name: values.to(self.model.device) for name, values in state["objects"].items()}
        self._learned = Learned.of_names(objects) if objects else None

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
        if not masks:
            return
        new = self._with_room(image, lambda: self._learn_first(image, masks))
        known = zip(*self._learned.parts(), strict=True) if self._learned else ()
        objects = dict(zip(self.object_ids, known, strict=True))
        objects |= zip(masks, zip(*new.parts(), strict=True), strict=True)
        self.object_ids = list(objects)
        self._learned = Learned.of_parts([torch.stack(part) for part in zip(*objects.values(), strict=True)])

    def _learn_first(self, image: Tensor, masks: Mapping[int, Tensor]) -> Learned:
        """Fit the target models of objects to their first frame, as many at a time as there is room for."""
        count = self.settings.initial_samples
        weights = upload(sample_weights(count), image)
        schedule, size = self._fits, self.settings.memory_size
        learn = FirstFrame(schedule, size, self._matching)
        fit = self._captured(learn, "first frame", schedule, size, self.settings.refine)
        original = self._layer3_of([image])  # the same for all objects
        seeds = [self.settings.seed + object_id for object_id in masks]
        maps = torch.stack(list(masks.values()))
        boxes = boxes_of(maps)
        parts = []
        step = max(1, self._maps_at_once // count)
        for first in range(0, len(maps), step):
            group = range(first, min(first + step, len(maps)))
            samples = [initial_samples(image, maps[i], count, seeds[i], boxes[i]) for i in group]
            varied = [original[:0]] * len(group)
            if count > 1:
                images = [one for images, _ in samples for one in images[1:]]
                varied = list(self._layer3_of(images).split(count - 1))
            features = torch.cat([part for own in varied for part in (original, own)])
            start = TargetModel.random(features.shape[1], [seeds[i] for i in group], features)
            labels = torch.stack([labels for _, labels in samples])
            features = features.unflatten(0, (len(group), count))  # (O, K, C, h, w)
            parts.append(fit(features, labels, weights, start.w1, start.w2))
        return Learned.of_parts(joined(parts))

    def predict(self, images: Tensor) -> Tensor:
        """Segment frames of one window: steps 4 to 6. Takes less at a time where the device has no room.

        Args:
            images: (B, 3, H, W), RGB, uint8 or in [0, 1].

        Returns:
            (B, O+1, H, W) float32 probabilities, background first.

        Raises:
            DeviceError: not even one object of one frame fits.
        """
        assert self._learned is not None
        known = self._learned
        self._layer3, probabilities = self._with_room(
            images,
            lambda: self._segmenter()(images, known.memory.w1, *known[1:]),
        )
        return probabilities

    @property
    def _matching(self) -> Matching | None:
        """The embedding that S compares cells in, if it does and is used."""
        network = self.model.refinement
        return network.matching if network is not None and self.settings.refine else None

    def _segmenter(self) -> Function:
        """The function that predicts; without a graph where its stages are to be measured."""
        settings = self.settings
        choice = settings.refine, settings.nearby, settings.prior, self._maps_at_once
        segmenter = Segmenter(self.model, *choice, self._stopwatch)
        return segmenter if self._stopwatch.measures else self._captured(segmenter, "window", *choice)

    def scores(self) -> Tensor:
        """Coarse scores (B, O, 1, h, w) of the frames predicted last, as S has seen them."""
        assert self._layer3 is not None
        assert self._learned is not None
        known = self._learned
        scores = TargetModel(known.memory.w1, known.w2).scores(self._layer3)
        if self.settings.nearby:
            scores = confine(scores, search_region(known.prior, known.extent))
        return scores.unsqueeze(2)

    def learn(self, probabilities: Tensor, argmax: Tensor, fresh: frozenset[int] = frozenset()) -> None:
        """Remember the frames predicted last; update the target models when their turn comes (steps 7 to 9).

        Args:
            probabilities: (B, O+1, H, W) of those frames, corrected where a person has given masks.
            argmax: (B, H, W), the highest of them at each pixel.
            fresh: objects that `start` has just learned from the same frame.
        """
        assert self._learned is not None
        if self.settings.update:
            with self._stopwatch.stage("memory"):
                self._learned = self._with_room(
                    probabilities, lambda: self._remember(probabilities, argmax, fresh)
                )
        self._until_update -= len(probabilities)
        if self._until_update == 0:
            self._until_update = self.settings.update_interval
            with self._stopwatch.stage("update"):
                steps = self._fits.update if self.settings.update else 0
                update = self._captured(Update(steps, self._matching), "update", steps, self.settings.refine)
                assert self._layer3 is not None
                known, frames = self._learned, (self._layer3, probabilities, argmax)
                w2, prior, extent, keys = update(*frames, known.w2, known.prior, known.extent, *known.memory)
                self._learned = known._replace(w2=w2, prior=prior, extent=extent, last_keys=keys)

    def _remember(self, probabilities: Tensor, argmax: Tensor, fresh: frozenset[int]) -> Learned:
        """Extend the memories by those of the frames whose turn it is, where their objects are seen."""
        assert self._layer3 is not None
        assert self._learned is not None
        rates = self._schedule.rates(self._until_update, len(argmax))
        chosen = self._schedule.remembered(self._until_update)
        layer3, probabilities, argmax = self._layer3[chosen], probabilities[chosen], argmax[chosen]
        if not len(argmax):
            return self._learned
        at_once = max(1, self._maps_at_once // len(argmax))
        extend = self._captured(Extension(rates, at_once), "memory", rates, at_once)
        learns = torch.ones(len(self.object_ids), dtype=torch.bool, device=argmax.device)
        if fresh:
            learns = upload(torch.tensor([i not in fresh for i in self.object_ids]), learns)
        memory = self._learned.memory
        *parts, seen = extend(layer3, probabilities, argmax, learns, *memory)
        if self._stopwatch.measures:
            self._stopwatch.count("memory", int(seen.sum()))
        return self._learned._replace(memory=memory_of([memory.w1, *parts]))

    def _captured(self, function: Function, *key: Hashable) -> Captured:
        """The function, which on a GPU becomes a graph that all clips of the model share."""
        return self.model.captured.setdefault(key, Captured(function, self.model.graphs))

    def _with_room(self, frames: Tensor, work: Callable[[], T]) -> T:
        """Do work on frames (..., H, W), with less at a time where the device has no room for it.

        The memory that graphs keep is given up first: without them the work may fit as it is.
        """
        while True:
            try:
                return work()
            except torch.OutOfMemoryError as error:
                had_graphs = self.model.drop_graphs()
                if not had_graphs and self._maps_at_once == 1:
                    height, width = frames.shape[-2:]
                    raise DeviceError(
                        f"{self.model.device} has no room for one object at {width}x{height}; use --max-size"
                    ) from error
            if self.model.device.type == "cuda":
                torch.cuda.empty_cache()
            if had_graphs:
                self.model.graphs.give_up("their memory was needed")
                continue
            self._maps_at_once //= 2
            at_once = "1 object of 1 frame" if self._maps_at_once == 1 else f"{self._maps_at_once} masks"
            self._room_notes = [
                f"the device's memory is small for this: {at_once} at a time, which is slower"
            ]

    def _layer3_of(self, images: Sequence[Tensor]) -> Tensor:
        """The features that the target model sees: B images (3, H, W) -> (B, C, h, w), at least float32."""
        at_once = self._maps_at_once

        def features(part: slice) -> Tensor:
            some, layers = images[part], []
            for first in range(0, len(some), at_once):
                batch = torch.stack([image.permute(1, 2, 0) for image in some[first : first + at_once]])
                layer3 = self.model.backbone(batch.permute(0, 3, 1, 2), 3, any_layout=True).layer3
                layers.append(at_least_float32(layer3.contiguous(memory_format=torch.channels_last)))
            return torch.cat(layers)

        return torch.cat(in_halves(features, len(images), images[0].device))
