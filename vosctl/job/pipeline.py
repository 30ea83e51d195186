"""One clip from end to end: frames in, tracked, masks and overlay out, from wherever a run has to go on.

`segment`, `overlay`, `demo` and `benchmark` all go through `Pipeline`; `run_request` is what a request adds
to it: the record by which an interrupted run goes on.
"""

import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from vosctl.arrays import Image, Labels
from vosctl.compute.device_memory import forget_highest, highest_bytes
from vosctl.compute.stopwatch import Stopwatch
from vosctl.errors import ClosedPipeError, MaskError, ObjectLostError, TruncatedClipError, UsageError
from vosctl.job.backward import BackwardPass
from vosctl.job.frame_log import FrameEntry, FrameLog, LogPlace, ObjectInFrame, read_frame_log
from vosctl.job.open_request import OpenRequest
from vosctl.job.outputs import Outputs, OutputWriters
from vosctl.job.resume.earlier import begin_over, end_stream, remove_earlier
from vosctl.job.review import Review, Span, is_lost
from vosctl.job.run import Run, open_run
from vosctl.job.summary import Summary, peak_memory_mb
from vosctl.masks.writer import LabelledFrame
from vosctl.media.clip import Clip, ClipInfo, Frame
from vosctl.media.prefetch import prefetch
from vosctl.media.stream_clip import StreamClip
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import TrackedFrame, Tracker

_FRAMES_AHEAD = 12  # decoded and waiting: more than a window, so that decoding never holds up the tracker
_BYTES_AHEAD = 256 << 20  # that these may take: of 4K, ten frames

OnFrame = Callable[[Frame, TrackedFrame | None], None]


@dataclass(frozen=True)
class PipelineOptions:
    """How a clip is taken through the pipeline."""

    run: Run | None = None
    """What to go on from, and where to leave what another run can go on from."""
    log: LogPlace | None = None
    """A file for the confidences of every frame; a run has one of its own."""
    both_ways: bool = False
    """Also run backwards from the masks; with a run only."""
    stop_when_lost: bool = False
    """End at the first frame in which an object is lost."""
    on_frame: OnFrame | None = None
    """What is called after each frame, of either pass."""
    stopwatch: Stopwatch | None = None
    """What measures the stages of the work."""


def run_request(
    opened: OpenRequest, model: Model, on_frame: OnFrame | None = None, log: LogPlace | None = None
) -> Summary:
    """Do what a request asks for.

    Args:
        opened: the request.
        model: what computes.
        on_frame: called after each frame.
        log: for the confidences where no run keeps them: of a stream.

    Raises:
        VosctlError: the clip, a mask or an output does not work.
    """
    request, info, folder = opened.request, opened.source.info, opened.folder
    if not opened.is_lasting and (request.both_ways or request.resume):
        raise UsageError(
            f"{info.path} can be read only once; for --both-ways and --resume save it to a file first"
        )
    outputs = Outputs.of(request, opened.places)
    if model.system == "frtm":
        outputs = replace(outputs, samples=(request.settings.initial_samples, request.settings.seed))
    run = open_run(opened, model) if opened.is_lasting else None
    if not run:
        begin_over(folder)
    options = PipelineOptions(
        run=run,
        log=log,
        both_ways=request.both_ways,
        stop_when_lost=request.stop_when_lost,
        on_frame=on_frame,
    )
    pipeline = Pipeline(opened.source, opened.label_maps, model, request.settings, outputs, options)
    try:
        summary = pipeline.run()
    except KeyboardInterrupt:
        if not run:  # a stream may have no other end
            end_stream(folder, opened.places, log)
        raise
    if run:
        remove_earlier(folder)
        folder.write_summary(summary.to_json())
    else:
        end_stream(folder, opened.places, log)
    return summary


class Pipeline:
    """Tracks the objects of a clip and writes what is asked for. Neither clip nor masks are held in memory.

    Args:
        clip: what to segment.
        masks: label maps by frame index.
        model: what computes.
        settings: of the tracker.
        outputs: what to write, and where.
        options: the rest.
    """

    def __init__(
        self,
        clip: Clip,
        masks: Mapping[int, Labels],
        model: Model,
        settings: TrackerSettings,
        outputs: Outputs,
        options: PipelineOptions | None = None,
    ) -> None:
        options = options or PipelineOptions()
        self._clip, self._masks, self._model = clip, masks, model
        self._run, self._stop_when_lost = options.run, options.stop_when_lost
        self._stopwatch = options.stopwatch or Stopwatch()
        self._on_frame = options.on_frame or (lambda *_: None)
        self._log_place = options.run.folder.log if options.run else options.log
        # A run can go on only from label maps that it can read back.
        self._outputs = replace(outputs, masks=outputs.masks or options.run.masks) if options.run else outputs
        self._tracker = Tracker(model, settings, self._stopwatch)
        self._backward: BackwardPass | None = None
        if options.both_ways:
            assert options.run
            folder = options.run.folder.backward
            self._backward = BackwardPass(folder, masks, Tracker(model, settings))
        self._review = Review()
        self._keep = 0  # results of so many frames were there before and stay
        self._frames = 0  # how many frames have results
        self._first_mask = 0.0  # when the first result came, by `time.perf_counter`; 0 before
        self._broken: str | None = None
        self._stopped: str | None = None
        self._notes: tuple[str, ...] = ()
        self._closed: tuple[str, ...] = ()
        self._latencies = array("f")  # of a stream, seconds
        self._waiting: deque[Frame] = deque()  # frames that the tracker holds for its window

    def run(self) -> Summary:
        """Take the whole clip through; a pipeline can run only once.

        Returns:
            What it did. A clip that breaks off is no error here: what came before the break is written, and
            `broken` says where that was.

        Raises:
            VosctlError: the clip, a mask or an output does not work.
        """
        start = time.perf_counter()
        if self._model.device.type == "cuda":
            forget_highest(self._model.device)
        self._do()
        return self._summary(start, time.perf_counter())

    def _do(self) -> None:
        if self._run:
            self._run.restore(self._tracker)
            self._frames = self._keep = self._run.keep
        if self._backward:
            for frame in self._backward.run(self._clip, self._keep):
                self._on_frame(frame, None)
        try:
            with ExitStack() as stack:
                log = stack.enter_context(FrameLog(self._log_place, self._keep)) if self._log_place else None
                if log and self._log_place:
                    for entry in islice(read_frame_log(self._log_place), self._keep):
                        self._review.add(entry)
                writers = stack.enter_context(OutputWriters(self._outputs, self._clip.info))
                try:
                    self._through(writers, log)
                except ClosedPipeError as error:  # nobody wants more: all that there is becomes whole
                    self._closed = (f"{error}, after {self._frames} frames",)
        except ObjectLostError as error:
            self._stopped = str(error)
        except KeyboardInterrupt:
            self._end(complete=False)
            raise
        of_device = (self._model.device_note,) if self._model.device_note else ()
        self._notes = (
            *of_device,
            *self._clip.info.notes,
            *self._closed,
            *self._tracker.notes,
            *writers.notes,
        )
        self._end(complete=not (self._broken or self._stopped))

    def _summary(self, start: float, end: float) -> Summary:
        """What was done between two times of `time.perf_counter`."""
        clip, model, stats, latencies = self._clip, self._model, self._tracker.stats, self._latencies
        on_gpu = model.device.type == "cuda"
        return Summary(
            clip=str(clip.info.path),
            frames=self._frames,
            kept=min(self._keep, self._frames),
            size=(clip.info.width, clip.info.height),
            network_size=stats.size,
            objects=self._tracker.object_ids,
            model=model.name,
            refined=self._tracker.refined,
            device=model.device_name,
            precision=model.precision,
            precision_reason=model.dtype_reason,
            seconds_to_first_mask=max(0.0, self._first_mask - start),
            model_frames_per_second=stats.frames_per_second,
            frames_per_second=stats.frames / (end - start),
            mean_latency=float(np.mean(latencies)) if latencies else None,
            latency_95=float(np.percentile(latencies, 95)) if latencies else None,
            dropped=clip.dropped if isinstance(clip, StreamClip) else 0,
            peak_memory_mb=peak_memory_mb(),
            peak_device_memory_mb=highest_bytes(model.device) / 1e6 if on_gpu else None,
            broken=self._broken,
            stopped=self._stopped,
            lost=self._numbered(self._review.lost),
            review=self._numbered(self._review.review),
            notes=self._notes,
        )

    def _numbered(self, spans: tuple[Span, ...]) -> tuple[Span, ...]:
        """Spans in the numbers that the frames have in the whole clip."""
        number = self._clip.info.numbering.number
        return tuple(Span(span.object_id, number(span.first), number(span.last)) for span in spans)

    def _through(self, writers: OutputWriters, log: FrameLog | None) -> None:
        """Write the results, frame by frame, and note what is known of each frame."""
        for result in self._results():
            frame = self._waiting.popleft()
            entry: FrameEntry | None = None
            if frame.index < self._keep:
                if self._outputs.need_all_frames:
                    writers.replay(self._kept(frame))
            else:
                assert result
                labelled, entry = self._finish(frame, result)
                with self._stopwatch.host_stage("write"):
                    writers.write(labelled)
                if frame.arrived is not None:
                    writers.flush()
                    self._latencies.append(time.perf_counter() - frame.arrived)
                if log:
                    log.write(entry)
                    self._review.add(entry)
            self._frames = max(self._frames, frame.index + 1)
            if result:
                self._first_mask = self._first_mask or time.perf_counter()
                self._save_when_due(frame.index + 1, writers)
            self._on_frame(frame, result)
            if self._stop_when_lost and entry:
                _stop_if_lost(entry, self._clip.info.numbering.number(entry.index))

    def _save_when_due(self, position: int, writers: OutputWriters) -> None:
        """Save the tracker's state between two windows, once all results before it are on the disk."""
        if self._run and self._tracker.position == position and self._run.is_due(position):
            writers.flush()
            self._run.save(self._tracker)

    def _results(self) -> Iterator[TrackedFrame | None]:
        """Yields a result for each frame that is read; None where the tracker need not see it again."""
        position = self._tracker.position
        first = 0 if self._outputs.need_all_frames else position
        frames = self._read(first)
        for _ in islice(frames, position - first):
            yield None
        soft = self._outputs.need_soft or self._backward is not None
        confidences = self._log_place is not None or self._stop_when_lost
        scores = self._outputs.scores is not None
        low_latency = self._clip.info.is_stream
        try:
            yield from self._tracker.run(
                self._images(frames),
                self._masks,
                soft=soft,
                confidences=confidences,
                scores=scores,
                low_latency=low_latency,
            )
        except MaskError:
            if not self._broken:  # else the frames that masks are missed for are beyond the break
                raise

    def _read(self, first: int) -> Iterator[Frame]:
        decoded = self._stopwatch.timed("decode", self._clip.frames_from(first))
        try:
            if not self._clip.info.is_stream:  # which works ahead itself
                decoded = prefetch(decoded, _frames_ahead(self._clip.info))
            for frame in decoded:
                self._waiting.append(frame)
                yield frame
        except TruncatedClipError as error:  # the frames of the unfinished window must still come out
            self._broken = str(error)

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
        ids = self._tracker.object_ids  # none of those that join later has a map yet
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
        return (
            LabelledFrame(
                labels, frame.stem, frame.time, frame.rgb, soft, scores, confidences=dict(confidences)
            ),
            entry,
        )

    def _end(self, complete: bool) -> None:
        if self._run:
            self._run.end(self._frames, complete, broke_off=self._broken is not None)


def _frames_ahead(info: ClipInfo) -> int:
    return max(2, min(_FRAMES_AHEAD, _BYTES_AHEAD // (3 * info.width * info.height)))


def _stop_if_lost(entry: FrameEntry, number: int) -> None:
    lost = [object_id for object_id, one in entry.objects.items() if is_lost(one)]
    if lost:
        names = ", ".join(map(str, lost))
        raise ObjectLostError(f"object{'s' if len(lost) > 1 else ''} {names} lost at frame {number}")
