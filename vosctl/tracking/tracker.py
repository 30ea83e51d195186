"""The tracker: frames and a few masks in, a label map for every frame out."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from vosctl.arrays import Image, Labels
from vosctl.compute.devices import upload
from vosctl.compute.stopwatch import Stopwatch
from vosctl.compute.transfer import Download, Timestamp, Uploader, on_host
from vosctl.compute.two_threads import apart, in_halves
from vosctl.errors import ClipError, MaskError, UsageError
from vosctl.systems.aggregation import object_argmax
from vosctl.systems.backbone import unit_range
from vosctl.systems.catalogue import open_system
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.systems.system import System
from vosctl.tracking.blending import draw_given, merged
from vosctl.tracking.confidence import confidence
from vosctl.tracking.enlargement import enlarged_argmax
from vosctl.tracking.inputs import as_frame, as_labels, masks_by_frame
from vosctl.tracking.padding import crop, pad


@dataclass(frozen=True)
class TrackedFrame:
    """The result for one frame."""

    index: int
    """The index of the frame in the clip, from 0."""
    labels: Labels
    """(H, W): the object's id at each pixel, 0 for the background."""
    probabilities: NDArray[np.float32] | None = None
    """(O+1, H, W), background first, objects as in `Tracker.object_ids`; only where asked for."""
    confidences: tuple[float, ...] = ()
    """In [0, 1], one per object as in `Tracker.object_ids`; only where asked for."""
    scores: NDArray[np.float32] | None = None
    """(O, K, h, w), how the objects' own models see the frame (`System.scores`), cut to cover it; only where
    asked for, and only of a frame without a given mask."""


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


class _Wanted(NamedTuple):
    """What of a result is asked for beside its labels."""

    probabilities: bool
    confidences: bool
    scores: bool


class _Begun(NamedTuple):
    """A window whose results are on their way."""

    first: int
    given: Labels | None
    ids: tuple[int, ...]  # by value of the label maps, 0 for the background
    download: Download  # label maps, probabilities, confidences and scores
    state: dict[str, Any]  # of the system after it


class Tracker:
    """Tracks the objects of one clip; make a new one for each clip.

    `run` takes a whole clip, `step` one frame at a time, as a camera gives them.

    Args:
        model: what computes, on its device.
        settings: how.
        stopwatch: measures the stages of the work.

    Attributes:
        position: index of the frame that comes after those whose results were handed out. While those of a
            window are, this is already where the window ends.
        refined: whether the masks come from a refinement network, not from coarse scores alone.
    """

    def __init__(
        self, model: Model, settings: TrackerSettings | None = None, stopwatch: Stopwatch | None = None
    ) -> None:
        self.settings = settings or TrackerSettings()
        self.stats = TrackerStats()
        self.position = 0
        self._is_new = True  # no frame has been seen since it was made, or since its state was loaded
        self._frame_shape: tuple[int, ...] | None = None  # of the clip
        self.refined = model.refined and self.settings.refine
        self._model = model
        self._stopwatch = stopwatch or Stopwatch()
        self._upload = Uploader(model.device)
        self._system: System = open_system(model, self.settings, self._stopwatch)
        self._state = self._system.state_dict()  # before frame `position`
        # How many windows may be begun and not yet fetched. A window of one asks for low latency.
        self._ahead = int(model.device.type == "cuda" and self.settings.window > 1)
        # Of everything but the networks; float64 is for tests.
        self._dtype = torch.promote_types(model.dtype, torch.float32)

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
        return {"position": self.position, "system": on_host(self._state)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same model and settings: `run` then starts at its position."""
        self.position = int(state["position"])
        self._system.load_state_dict(state["system"])
        self._state = self._system.state_dict()
        self._is_new = True

    def run(
        self,
        frames: Iterable[Image],
        masks: Mapping[int, Labels],
        *,
        soft: bool = False,
        confidences: bool = False,
        scores: bool = False,
        low_latency: bool = False,
    ) -> Iterator[TrackedFrame]:
        """Track a clip. Frames are taken as they are needed, at most a window ahead; on a GPU, two.

        Args:
            frames: (H, W, 3) uint8 RGB, all of one size, from frame `position` on.
            masks: label maps (H, W) by frame index. Ids that are new join there, ids that already run are
                corrected from there on. Frames before the first mask are all background.
            soft: also give the probabilities.
            confidences: also give the confidences.
            scores: also give the scores.
            low_latency: give each result as soon as it can be had. Otherwise a GPU begins the next window
                before the results of the last one are fetched, so that it never waits for the host.

        Yields:
            One result for every one of these frames, in order.

        Raises:
            ClipError: a frame is not such an array, or of another size than the first one.
            MaskError: a mask is not such an array, is of another size than its frame, or is for a frame that
                the clip does not have.
            UsageError: the tracker has already seen a clip.
        """
        if not self._is_new:
            raise UsageError(
                f"this tracker has already seen {self.position} frames; make a new Tracker for another clip, "
                "or go on with step()"
            )
        yield from self._run(
            frames, masks_by_frame(masks), _Wanted(soft, confidences, scores), low_latency=low_latency
        )

    def step(
        self,
        frame: Image,
        mask: Labels | None = None,
        *,
        soft: bool = False,
        confidences: bool = False,
        scores: bool = False,
    ) -> TrackedFrame:
        """Track the next frame and give its result at once.

        Frame by frame this computes what `run` computes, without waiting for a window to fill.

        Args:
            frame: (H, W, 3) uint8 RGB, of the size of those before.
            mask: a label map (H, W) of this frame, with objects that are new or corrected.
            soft: also give the probabilities.
            confidences: also give the confidences.
            scores: also give the scores.

        Raises:
            ClipError: the frame is not such an array, or of another size than the first one.
            MaskError: the mask is not such an array, or is of another size than the frame.
        """
        masks = {} if mask is None else {self.position: mask}
        (result,) = self._run([frame], masks, _Wanted(soft, confidences, scores), low_latency=True)
        return result

    def _run(
        self,
        frames: Iterable[Image],
        masks: Mapping[int, object],
        wanted: _Wanted,
        *,
        low_latency: bool,
    ) -> Iterator[TrackedFrame]:
        self._is_new = False
        begun: deque[_Begun] = deque()
        for first, images in self._windows(frames, masks):
            given = as_labels(masks[first], first, images[0].shape[:2]) if first in masks else None
            if given is not None:
                yield from self._finish(begun, 0)
            elif not self._system.object_ids:
                self.stats.frames += 1
                self.position = first + 1
                yield TrackedFrame(first, np.zeros(images[0].shape[:2], np.uint8))
                continue
            begun.append(self._begin(first, images, given, wanted))
            yield from self._finish(begun, 0 if low_latency or given is not None else self._ahead)
        yield from self._finish(begun, 0)
        beyond = [at for at in masks if at >= self.position]
        if beyond:
            raise MaskError(
                f"a mask was given for frame {min(beyond)}, but the clip has {self.position} frames; "
                f"frames count from 0"
            )

    def _windows(
        self, frames: Iterable[Image], masks: Mapping[int, object]
    ) -> Iterator[tuple[int, list[Image]]]:
        """What is computed at once, with the index of its first frame.

        Those are frames up to an update; a frame with a mask is alone, and so is each before the first mask.
        """
        pending: list[Image] = []
        end = self.position
        for end, frame in enumerate(frames, self.position + 1):
            self._check(frame, end - 1)
            alone = end - 1 in masks or not self._system.object_ids
            if alone and pending:
                yield end - 1 - len(pending), pending
                pending = []
            pending.append(frame)
            if alone or len(pending) == min(self.settings.window, self._system.frames_until_update):
                yield end - len(pending), pending
                pending = []
        if pending:
            yield end - len(pending), pending

    def _check(self, frame: Image, index: int) -> None:
        shape = as_frame(frame, index).shape
        self._frame_shape = self._frame_shape or shape
        if shape != self._frame_shape:
            raise ClipError(
                f"frame {index} is {shape[1]}x{shape[0]}, those before {self._frame_shape[1]}x"
                f"{self._frame_shape[0]}; all frames of a clip must have one size"
            )

    @torch.inference_mode()
    def _begin(self, first: int, frames: list[Image], given: Labels | None, wanted: _Wanted) -> _Begun:
        """Compute frames; on a GPU, have it computed. The host reads nothing but around a given mask."""
        began = Timestamp(self._model.device)
        with torch.cuda.device_of(torch.empty(0, device=self._model.device)):
            scores = None
            if given is not None:
                probabilities, argmax = self._take_mask(frames[0], given)
            else:
                with self._stopwatch.stage("upload"):
                    images = self._to_device(frames)
                with apart(len(frames), self._model.device):
                    probabilities = self._system.predict(images)
                    with self._stopwatch.stage("aggregation"):
                        parts = in_halves(
                            lambda k: object_argmax(probabilities[k]), len(images), images.device
                        )
                        argmax = torch.cat(parts)
                    scores = self._covering(self._system.scores()) if wanted.scores else None
                    self._system.learn(probabilities, argmax)
            with self._stopwatch.stage("labels"):
                results = self._results(frames[0].shape[:2], probabilities, argmax, wanted)
                download = Download([*results, scores], began)
        return _Begun(first, given, (0, *self._system.object_ids), download, self._system.state_dict())

    def _finish(self, begun: deque[_Begun], most: int) -> Iterator[TrackedFrame]:
        """The results of all windows but the `most` last."""
        while len(begun) > most:
            window = begun.popleft()
            (labels, soft, confidences, scores), seconds = window.download.wait()
            ids = np.array(window.ids, np.uint8)
            if window.ids != tuple(range(len(ids))):
                labels = ids[labels]
            if window.given is not None:  # at full size, whatever the network's size was
                labels = draw_given(labels[0], window.given)[None]
            self.position, self._state = window.first + len(labels), window.state
            self.stats.model_seconds += seconds
            self.stats.first_mask_seconds = self.stats.first_mask_seconds or self.stats.model_seconds
            self.stats.frames += len(labels)
            for k, label in enumerate(labels):
                yield TrackedFrame(
                    window.first + k,
                    label,
                    None if soft is None else soft[k],
                    () if confidences is None else tuple(confidences[k].tolist()),
                    None if scores is None else scores[k],
                )

    def _take_mask(self, frame: Image, given: Labels) -> tuple[Tensor, Tensor]:
        """A frame on which objects join or are corrected: its probabilities (1, O+1, H, W), argmax."""
        ids = [int(i) for i in np.unique(given) if i]
        image = unit_range(self._to_device([frame]), self._dtype)
        label = upload(torch.from_numpy(given), image)
        width, height = self.stats.size
        small = pad(F.interpolate(label[None, None], (height, width), mode="nearest-exact")[0, 0])
        known = bool(self._system.object_ids)
        predicted = self._system.predict(image) if known else None
        with self._stopwatch.stage("first frame"):
            self._system.start(image[0], {i: (small == i).to(self._dtype) for i in ids})
        probabilities = merged(predicted, small, self._system.object_ids, ids)
        argmax = object_argmax(probabilities)
        if known:
            self._system.learn(probabilities, argmax, fresh=frozenset(ids))
        return probabilities, argmax

    def _results(
        self, size: tuple[int, ...], probabilities: Tensor, argmax: Tensor, wanted: _Wanted
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Label maps at the clip's own size, from enlarged probabilities, so that edges stay smooth.

        And, where they are asked for, the probabilities and the confidences.
        """
        width, height = self.stats.size
        probabilities, argmax = (crop(maps, (height, width)) for maps in (probabilities, argmax))
        confidences = confidence(probabilities, argmax, self.refined) if wanted.confidences else None
        if probabilities.shape[-2:] != size:
            argmax = torch.stack([enlarged_argmax(maps, size) for maps in probabilities])
            if wanted.probabilities:
                probabilities = F.interpolate(probabilities, size, mode="bilinear", align_corners=False)
        return argmax, probabilities if wanted.probabilities else None, confidences

    def _covering(self, scores: Tensor) -> Tensor:
        """Scores (B, O, K, h, w) four times as large, cut where the frames end."""
        width, height = (-(-side // 4) for side in self.stats.size)
        large = F.interpolate(scores.float().flatten(1, 2), scale_factor=4, mode="bilinear")
        maps: Tensor = large.unflatten(1, scores.shape[1:3])
        return maps[..., :height, :width]

    def _to_device(self, frames: list[Image]) -> Tensor:
        """Frames as (B, 3, h, w) on the device, padded: bytes, or in [0, 1] where they are reduced."""
        sides = frames[0].shape[:2]
        longest, limit = max(sides), self.settings.max_size
        if limit is None or longest <= limit:
            images = self._upload(frames)
        else:  # one by one: at full size, in float32, a window of 4K is 800 MB
            size = [max(1, round(side * limit / longest)) for side in sides]
            each = (unit_range(self._upload([frame]), self._dtype) for frame in frames)
            images = torch.cat(
                [F.interpolate(i, size, mode="bilinear", antialias=True, align_corners=False) for i in each]
            )
        self.stats.size = (images.shape[-1], images.shape[-2])
        return pad(images)
