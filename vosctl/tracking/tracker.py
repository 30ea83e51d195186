"""The tracker: frames and a few masks in, a label map for every frame out."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from vosctl.errors import MaskError
from vosctl.models.aggregation import winners
from vosctl.models.backbone import unit_range
from vosctl.models.model import Model
from vosctl.tracking.confidence import confidence
from vosctl.tracking.enlargement import enlarged_winners
from vosctl.tracking.settings import TrackerSettings
from vosctl.tracking.stopwatch import Stopwatch
from vosctl.tracking.system import System, open_system

Image = NDArray[np.uint8]  # (H, W, 3)
Labels = NDArray[np.uint8]  # (H, W)


@dataclass(frozen=True)
class TrackedFrame:
    """The result for one frame."""

    index: int
    """Of the frame in the clip, from 0."""
    labels: Labels
    """(H, W): the object's id at each pixel, 0 for the background."""
    probabilities: NDArray[np.float32] | None = None
    """(O+1, H, W), background first, objects as in `Tracker.object_ids`; only where asked for."""
    confidences: tuple[float, ...] = ()
    """In [0, 1], one per object as in `Tracker.object_ids`; only where asked for."""
    scores: NDArray[np.float32] | None = None
    """(O, K, h, w), how the objects' own models see the frame (`System.scores`), cut to cover it; only where
    asked for, and only of a frame without a given mask."""


class _Wanted(NamedTuple):
    """What of a result is asked for beside its labels."""

    probabilities: bool
    confidences: bool
    scores: bool


@dataclass
class TrackerStats:
    """What a run has cost so far; reading and writing files is not in it."""

    frames: int = 0
    """Frames yielded."""
    model_seconds: float = 0.0
    """Time spent computing, the first frame's work included."""
    first_mask_seconds: float = 0.0
    """Computing time until the first label map was there."""
    size: tuple[int, int] = (0, 0)
    """(width, height) that the networks saw."""

    @property
    def frames_per_second(self) -> float:
        """N / T as the paper counts it; 0 before anything was computed."""
        return self.frames / self.model_seconds if self.model_seconds else 0.0


class Tracker:
    """Tracks the objects of one clip; make a new one for each clip.

    Args:
        model: what computes, on its device.
        settings: how.
        stopwatch: measures the stages of the work.

    Attributes:
        position: index of the frame that comes after those learned from. While the results of a window are
            handed out, this is already where the window ends.
        refined: whether the masks come from a refinement network, not from coarse scores alone.
    """

    def __init__(
        self, model: Model, settings: TrackerSettings | None = None, stopwatch: Stopwatch | None = None
    ) -> None:
        self.settings = settings or TrackerSettings()
        self.stats = TrackerStats()
        self.position = 0
        self.refined = model.refined and self.settings.refine
        self._model = model
        self._stopwatch = stopwatch or Stopwatch()
        self._system: System = open_system(model, self.settings, self._stopwatch)
        # Of everything but the networks; float64 is for tests.
        self._number_type = torch.promote_types(model.dtype, torch.float32)

    @property
    def object_ids(self) -> tuple[int, ...]:
        """Ids of the objects so far, in the order of the probabilities' maps."""
        return tuple(self._system.object_ids)

    @property
    def notes(self) -> tuple[str, ...]:
        """What went otherwise than expected, for people."""
        return tuple(self._system.notes)

    def state_dict(self) -> dict[str, Any]:
        """All that frames from `position` on depend on: tensors on the host and plain data.

        To be taken after the last result of a window (`index + 1 == position`), or before the first.
        """
        return {"position": self.position, "system": _on_host(self._system.state_dict())}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same model and settings: `run` then starts at its position."""
        self.position = int(state["position"])
        self._system.load_state_dict(state["system"])

    def run(
        self,
        frames: Iterable[Image],
        masks: Mapping[int, Labels],
        *,
        soft: bool = False,
        judge: bool = False,
        scores: bool = False,
    ) -> Iterator[TrackedFrame]:
        """Track a clip. Frames are taken as they are needed, at most a window ahead.

        Args:
            frames: (H, W, 3) uint8 RGB, all of one size, from frame `position` on.
            masks: label maps (H, W) by frame index. Ids that are new join there, ids that already run are
                corrected from there on. Frames before the first mask are all background.
            soft: also give the probabilities.
            judge: also give the confidences.
            scores: also give the scores.

        Yields:
            One result for every one of these frames, in order.

        Raises:
            MaskError: a mask is of another size than its frame, or for a frame that the clip does not have.
        """
        wanted = _Wanted(soft, judge, scores)
        pending: list[Image] = []
        index = self.position - 1
        for index, frame in enumerate(frames, self.position):
            given = masks.get(index)
            if given is not None:
                yield from self._window(index - len(pending), pending, wanted)
                pending = []
                yield self._frame_with_mask(index, frame, given, wanted)
                continue
            if not self._system.object_ids:
                self.stats.frames += 1
                self.position = index + 1
                yield TrackedFrame(index, np.zeros(frame.shape[:2], np.uint8))
                continue
            pending.append(frame)
            if len(pending) == min(self.settings.window, self._system.frames_until_update):
                yield from self._window(index + 1 - len(pending), pending, wanted)
                pending = []
        yield from self._window(index + 1 - len(pending), pending, wanted)
        beyond = [at for at in masks if at > index]
        if beyond:
            raise MaskError(
                f"a mask was given for frame {min(beyond)}, but the clip has {index + 1} frames; "
                f"frames count from 0"
            )

    @torch.inference_mode()
    def _window(self, first: int, frames: list[Image], wanted: _Wanted) -> list[TrackedFrame]:
        """Frames without given masks, as one batch."""
        if not frames:
            return []
        start = time.perf_counter()
        with self._stopwatch.stage("upload"):
            images = self._to_device(frames)
        probabilities = self._system.predict(images)
        with self._stopwatch.stage("aggregation"):
            winner = winners(probabilities)
        scores = self._covering(self._system.scores()) if wanted.scores else None
        self._system.learn(probabilities, winner)
        with self._stopwatch.stage("labels"):
            results = self._results(first, frames, probabilities, winner, wanted)
        if scores is not None:
            results = [replace(result, scores=maps) for result, maps in zip(results, scores, strict=True)]
        self.position = first + len(frames)
        self._count(len(frames), start)
        return results

    @torch.inference_mode()
    def _frame_with_mask(self, index: int, frame: Image, given: Labels, wanted: _Wanted) -> TrackedFrame:
        """A frame on which objects join or are corrected."""
        if given.shape != frame.shape[:2]:
            raise MaskError(
                f"the mask for frame {index} is {given.shape[1]}x{given.shape[0]}, "
                f"the frame {frame.shape[1]}x{frame.shape[0]}; they must be equal"
            )
        start = time.perf_counter()
        ids = [int(i) for i in np.unique(given) if i]
        image = unit_range(self._to_device([frame]), self._number_type)
        label = torch.from_numpy(given).to(self._model.device)
        small = F.interpolate(
            label[None, None].to(self._number_type), image.shape[-2:], mode="nearest-exact"
        )[0, 0]
        known = bool(self._system.object_ids)
        predicted = self._system.predict(image) if known else None
        with self._stopwatch.stage("first frame"):
            self._system.start(image[0], {i: (small == i).to(self._number_type) for i in ids})
        probabilities = self._merge(predicted, small, ids)
        winner = winners(probabilities)
        if known:
            self._system.learn(probabilities, winner, fresh=frozenset(ids))
        result = self._results(index, [frame], probabilities, winner, wanted)[0]
        # The given pixels hold at full size whatever the network's size was.
        labels = np.where(given > 0, given, np.where(np.isin(result.labels, ids), 0, result.labels))
        result = replace(result, labels=labels.astype(np.uint8))
        self.position = index + 1
        self._count(1, start)
        return result

    def _merge(self, predicted: Tensor | None, given: Tensor, ids: list[int]) -> Tensor:
        """Probabilities in which what a person has drawn is certain.

        Where the mask is empty, objects in it are not; the other objects keep their prediction there.
        """
        maps = given.new_zeros(1, len(self._system.object_ids) + 1, *given.shape)
        if predicted is not None:
            maps[:, : predicted.shape[1]] = predicted
        else:
            maps[:, 0] = 1
        for index, object_id in enumerate(self._system.object_ids):
            if object_id in ids:
                maps[:, index + 1] = 0
        maps = torch.where(given > 0, torch.zeros_like(maps), maps)
        for object_id in ids:
            maps[:, self._system.object_ids.index(object_id) + 1] += given == object_id
        missing = (1 - maps.sum(1)).clamp(min=0)
        maps[:, 0] += missing
        return maps

    def _results(
        self, first: int, frames: list[Image], probabilities: Tensor, winner: Tensor, wanted: _Wanted
    ) -> list[TrackedFrame]:
        """Label maps at the clip's own size; from enlarged probabilities, so that edges stay smooth."""
        ids = [0, *self._system.object_ids]
        trust: list[list[float]] = [[]] * len(frames)
        if wanted.confidences:
            trust = confidence(probabilities, winner, self.refined).tolist()
        size = frames[0].shape[:2]
        if probabilities.shape[-2:] != size:
            winner = torch.stack([enlarged_winners(maps, size) for maps in probabilities])
            if wanted.probabilities:
                probabilities = F.interpolate(probabilities, size, mode="bilinear", align_corners=False)
        labels = winner.cpu().numpy()
        if ids != list(range(len(ids))):
            labels = np.array(ids, np.uint8)[labels]
        soft = probabilities.cpu().numpy() if wanted.probabilities else [None] * len(frames)
        return [TrackedFrame(first + k, labels[k], soft[k], tuple(trust[k])) for k in range(len(frames))]

    def _covering(self, scores: Tensor) -> NDArray[np.float32]:
        """Scores (B, O, K, h, w) four times as large, cut where the frames end."""
        width, height = (-(-side // 4) for side in self.stats.size)
        large = F.interpolate(scores.float().flatten(1, 2), scale_factor=4, mode="bilinear")
        maps = large.unflatten(1, scores.shape[1:3])[..., :height, :width]
        return np.asarray(maps.cpu().numpy())

    def _to_device(self, frames: list[Image]) -> Tensor:
        """Frames as (B, 3, h, w) on the model's device: bytes, or in [0, 1] where reduced to `max_size`."""
        sides = frames[0].shape[:2]
        longest, limit = max(sides), self.settings.max_size
        if limit is None or longest <= limit:
            images = self._bytes_on_device(frames)
        else:  # one by one: at full size, in float32, a window of 4K is 800 MB
            size = [max(1, round(side * limit / longest)) for side in sides]
            each = (unit_range(self._bytes_on_device([frame]), self._number_type) for frame in frames)
            images = torch.cat(
                [F.interpolate(i, size, mode="bilinear", antialias=True, align_corners=False) for i in each]
            )
        self.stats.size = (images.shape[-1], images.shape[-2])
        return images

    def _bytes_on_device(self, frames: list[Image]) -> Tensor:
        """(B, 3, H, W) uint8."""
        batch = torch.from_numpy(np.stack(frames))
        if self._model.device.type == "cuda":
            batch = batch.pin_memory()
        return batch.to(self._model.device, non_blocking=True).permute(0, 3, 1, 2)

    def _count(self, frames: int, start: float) -> None:
        """Add to the statistics; the results are on the host by now, so the device has finished."""
        self.stats.model_seconds += time.perf_counter() - start
        if not self.stats.first_mask_seconds:
            self.stats.first_mask_seconds = self.stats.model_seconds
        self.stats.frames += frames


def _on_host(state: Any) -> Any:
    """A copy of plain data, its tensors on the host."""
    if isinstance(state, Tensor):
        return state.to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: _on_host(value) for key, value in state.items()}
    return [_on_host(value) for value in state] if isinstance(state, list) else state
