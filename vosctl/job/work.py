"""One clip through tracker and outputs, from wherever a run has to go on."""

import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from vosctl.arrays import Image, Labels
from vosctl.compute.stopwatch import Stopwatch
from vosctl.errors import ClosedPipeError, MaskError, ObjectLostError, TruncatedClipError
from vosctl.job.backward import BackwardPass
from vosctl.job.frame_log import FrameEntry, FrameLog, ObjectInFrame, read_frame_log
from vosctl.job.outputs import Outputs, OutputWriters
from vosctl.job.resume.run import Run
from vosctl.job.review import Review, is_lost
from vosctl.masks.writer import LabelledFrame
from vosctl.media.clip import Clip, ClipInfo, Frame
from vosctl.media.prefetch import prefetch
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import TrackedFrame, Tracker

_FRAMES_AHEAD = 12  # decoded and waiting: more than a window, so that decoding never holds up the tracker
_BYTES_AHEAD = 256 << 20  # that these may take: of 4K, ten frames

OnFrame = Callable[[Frame, TrackedFrame | None], None]


class Work:
    """What `segment_clip` does, whose arguments it takes, and how far it is.

    Attributes:
        tracker: that runs forwards.
        review: what the confidences tell.
        keep: results of so many frames were there before and stay.
        frames: that have results.
        first_mask: when the first result came, by `time.perf_counter`; 0 before.
        broken: how the clip broke off.
        stopped: which object was lost where the work ended.
        notes: what people should know of the results.
        latencies: of a stream, seconds from a frame's arrival to its masks' being written, a frame each.
    """

    def __init__(
        self,
        clip: Clip,
        masks: Mapping[int, Labels],
        model: Model,
        settings: TrackerSettings,
        outputs: Outputs,
        on_frame: OnFrame | None = None,
        run: Run | None = None,
        log: Path | None = None,
        both_ways: bool = False,
        stop_when_lost: bool = False,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self._stopwatch = stopwatch or Stopwatch()
        self.tracker = Tracker(model, settings, self._stopwatch)
        self.review = Review()
        self.keep = self.frames = 0
        self.first_mask = 0.0
        self.broken: str | None = None
        self.stopped: str | None = None
        self.notes: tuple[str, ...] = ()
        self.latencies = array("f")
        self._closed: tuple[str, ...] = ()
        self._clip, self._masks = clip, masks
        # A run can go on only from label maps that it can read back.
        self._outputs = replace(outputs, masks=outputs.masks or run.masks) if run else outputs
        self._on_frame = on_frame or (lambda *_: None)
        self._run, self._log_path = run, log
        self._backward: BackwardPass | None = None
        if both_ways:
            assert run
            self._backward = BackwardPass(run.folder.backward, masks, Tracker(model, settings))
        self._stop_when_lost = stop_when_lost
        self._waiting: deque[Frame] = deque()  # frames that the tracker holds for its window

    def do(self) -> None:
        """Do all of it.

        Raises:
            VosctlError: the clip, a mask or an output does not work.
        """
        if self._run:
            self._run.restore(self.tracker)
            self.frames = self.keep = self._run.keep
        if self._backward:
            for frame in self._backward.run(self._clip, self.keep):
                self._on_frame(frame, None)
        try:
            with ExitStack() as stack:
                log = stack.enter_context(FrameLog(self._log_path, self.keep)) if self._log_path else None
                if log and self._log_path:
                    for entry in islice(read_frame_log(self._log_path), self.keep):
                        self.review.add(entry)
                writers = stack.enter_context(OutputWriters(self._outputs, self._clip.info))
                try:
                    self._through(writers, log)
                except ClosedPipeError as error:  # nobody wants more: all that there is becomes whole
                    self._closed = (f"{error}, after {self.frames} frames",)
        except ObjectLostError as error:
            self.stopped = str(error)
        except KeyboardInterrupt:
            self._end(complete=False)
            raise
        self.notes = (*self._clip.info.notes, *self._closed, *self.tracker.notes, *writers.notes)
        self._end(complete=not (self.broken or self.stopped))

    def _through(self, writers: OutputWriters, log: FrameLog | None) -> None:
        """Frame by frame."""
        for result in self._results():
            frame = self._waiting.popleft()
            entry: FrameEntry | None = None
            if frame.index < self.keep:
                if self._outputs.need_all_frames:
                    writers.replay(self._kept(frame))
            else:
                assert result
                labelled, entry = self._finish(frame, result)
                with self._stopwatch.host_stage("write"):
                    writers.write(labelled)
                if frame.arrived is not None:
                    writers.flush()
                    self.latencies.append(time.perf_counter() - frame.arrived)
                if log:
                    log.write(entry)
                    self.review.add(entry)
            self.frames = max(self.frames, frame.index + 1)
            if result:
                self.first_mask = self.first_mask or time.perf_counter()
                self._save_when_due(frame.index + 1, writers)
            self._on_frame(frame, result)
            if self._stop_when_lost and entry:
                _stop_if_lost(entry)

    def _save_when_due(self, position: int, writers: OutputWriters) -> None:
        """A state, once all that it follows from is on the disk; between windows only."""
        if self._run and self.tracker.position == position and self._run.is_due(position):
            writers.flush()
            self._run.save(self.tracker)

    def _results(self) -> Iterator[TrackedFrame | None]:
        """One for each frame that has to be read; None for those that the tracker need not see again."""
        position = self.tracker.position
        first = 0 if self._outputs.need_all_frames else position
        frames = self._frames(first)
        for _ in islice(frames, position - first):
            yield None
        soft = self._outputs.need_soft or self._backward is not None
        confidences = self._log_path is not None or self._stop_when_lost
        scores = self._outputs.scores is not None
        low_latency = self._clip.info.is_stream
        try:
            yield from self.tracker.run(
                self._images(frames),
                self._masks,
                soft=soft,
                confidences=confidences,
                scores=scores,
                low_latency=low_latency,
            )
        except MaskError:
            if not self.broken:  # else the frames that masks are missed for are beyond the break
                raise

    def _frames(self, first: int) -> Iterator[Frame]:
        decoded = self._stopwatch.timed("decode", self._clip.frames_from(first))
        try:
            if not self._clip.info.is_stream:  # which works ahead itself
                decoded = prefetch(decoded, _frames_ahead(self._clip.info))
            for frame in decoded:
                self._waiting.append(frame)
                yield frame
        except TruncatedClipError as error:  # the frames of the unfinished window must still come out
            self.broken = str(error)

    @staticmethod
    def _images(frames: Iterator[Frame]) -> Iterator[Image]:
        for frame in frames:
            yield frame.rgb

    def _kept(self, frame: Frame) -> LabelledFrame:
        """A frame with the result that it has."""
        assert self._run
        labels = self._run.labels(frame.stem, (frame.rgb.shape[1], frame.rgb.shape[0]))
        return LabelledFrame(labels, frame.stem, frame.time, frame.rgb)

    def _finish(self, frame: Frame, result: TrackedFrame) -> tuple[LabelledFrame, FrameEntry]:
        """A frame with its new result, of both passes if there are two, and what is known of it."""
        ids = self.tracker.object_ids  # none of those that join later has a map yet
        labels, confidences = result.labels, dict(zip(ids, result.confidences, strict=False))
        maps = result.probabilities[1:] if result.probabilities is not None else ()
        soft = dict(zip(ids, maps, strict=False))
        if self._backward and frame.index < self._backward.last:
            labels, soft, confidences = self._backward.combine(frame.index, labels.shape, soft)
        objects = {
            object_id: ObjectInFrame(value, int(np.count_nonzero(labels == object_id)))
            for object_id, value in confidences.items()
        }
        entry = FrameEntry(frame.index, frame.stem, objects)
        scores = dict(zip(ids, result.scores, strict=False)) if result.scores is not None else None
        return LabelledFrame(labels, frame.stem, frame.time, frame.rgb, soft, scores), entry

    def _end(self, complete: bool) -> None:
        if self._run:
            self._run.end(self.frames, complete)


def _frames_ahead(info: ClipInfo) -> int:
    return max(2, min(_FRAMES_AHEAD, _BYTES_AHEAD // (3 * info.width * info.height)))


def _stop_if_lost(entry: FrameEntry) -> None:
    lost = [object_id for object_id, one in entry.objects.items() if is_lost(one)]
    if lost:
        names = ", ".join(map(str, lost))
        raise ObjectLostError(f"object{'s' if len(lost) > 1 else ''} {names} lost at frame {entry.index}")
