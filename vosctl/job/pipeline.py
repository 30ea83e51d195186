"""One clip from end to end: frames in, tracked, masks and overlay out."""

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vosctl import __version__
from vosctl.arrays import Labels
from vosctl.compute.stopwatch import Stopwatch
from vosctl.job.outputs import Outputs, OverlayStyle
from vosctl.job.resume.run import Run
from vosctl.job.review import Span
from vosctl.job.work import OnFrame, Work
from vosctl.media.clip import Clip
from vosctl.media.stream_clip import StreamClip
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings

__all__ = ["OnFrame", "Outputs", "OverlayStyle", "Summary", "segment_clip"]


@dataclass(frozen=True)
class Summary:
    """What a run did and cost; the report."""

    clip: str
    frames: int
    """That have results now, those of an interrupted run included."""
    kept: int
    """Of these, those that were there before."""
    size: tuple[int, int]
    """Of the clip, (width, height)."""
    network_size: tuple[int, int]
    """That the networks saw."""
    objects: tuple[int, ...]
    model: str
    refined: bool
    """False: D-only, the enlarged coarse scores."""
    device: str
    precision: str
    seconds_to_first_mask: float
    """From the start of the run, loading of the model not included."""
    model_frames_per_second: float
    """As the papers count: the first frame's work included, reading and writing not."""
    frames_per_second: float
    """From the first byte read to the last one written."""
    mean_latency: float | None
    """Of a stream, seconds from a frame's arrival to its masks' being written; None of a file."""
    latency_95: float | None
    """The same, for 95 of 100 frames at most so."""
    dropped: int
    """Frames of a stream that came faster than they could be tracked, and were passed over."""
    peak_memory_mb: float
    """Of this process on the host."""
    peak_device_memory_mb: float | None
    """Of the GPU, None on a CPU."""
    broken: str | None
    """How the clip broke off before its end; None where it did not."""
    stopped: str | None
    """Which object was lost where the run ended; None where it ran on."""
    lost: tuple[Span, ...]
    """Where objects have vanished or are likely lost; empty if nobody asked for confidences."""
    review: tuple[Span, ...]
    """Where objects should be looked at."""
    notes: tuple[str, ...]
    version: str = __version__

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def segment_clip(
    clip: Clip,
    masks: Mapping[int, Labels],
    model: Model,
    settings: TrackerSettings,
    outputs: Outputs,
    on_frame: OnFrame | None = None,
    *,
    run: Run | None = None,
    log: Path | None = None,
    both_ways: bool = False,
    stop_when_lost: bool = False,
    stopwatch: Stopwatch | None = None,
) -> Summary:
    """Track the objects of a clip and write what is asked for. Neither clip nor masks are held in memory.

    Args:
        clip: what to segment.
        masks: label maps by frame index.
        model: what computes.
        settings: of the tracker.
        outputs: what to write, and where.
        on_frame: called after each frame, of either pass.
        run: what to go on from, and where to leave what another run can go on from.
        log: a file for the confidences of every frame; that of the run by default, else none.
        both_ways: also run backwards from the masks; with a run only.
        stop_when_lost: end at the first frame in which an object is lost.
        stopwatch: measures the stages of the work.

    Returns:
        What it did. A clip that breaks off is no error here: what came before the break is written, and
        `broken` says where that was.

    Raises:
        VosctlError: the clip, a mask or an output does not work.
    """
    if run:
        log = run.folder.log
    work = Work(
        clip, masks, model, settings, outputs, on_frame, run, log, both_ways, stop_when_lost, stopwatch
    )
    start = time.perf_counter()
    work.do()
    seconds = time.perf_counter() - start

    stats = work.tracker.stats
    on_gpu = model.device.type == "cuda"
    return Summary(
        clip=str(clip.info.path),
        frames=work.frames,
        kept=min(work.keep, work.frames),
        size=(clip.info.width, clip.info.height),
        network_size=stats.size,
        objects=work.tracker.object_ids,
        model=model.name,
        refined=work.tracker.refined,
        device=model.device_name,
        precision=model.precision,
        seconds_to_first_mask=max(0.0, work.first_mask - start),
        model_frames_per_second=stats.frames_per_second,
        frames_per_second=stats.frames / seconds,
        mean_latency=float(np.mean(work.latencies)) if work.latencies else None,
        latency_95=float(np.percentile(work.latencies, 95)) if work.latencies else None,
        dropped=clip.dropped if isinstance(clip, StreamClip) else 0,
        peak_memory_mb=_peak_memory_mb(),
        peak_device_memory_mb=torch.cuda.max_memory_allocated(model.device) / 1e6 if on_gpu else None,
        broken=work.broken,
        stopped=work.stopped,
        lost=work.review.lost,
        review=work.review.review,
        notes=work.notes,
    )


def _peak_memory_mb() -> float:
    if sys.platform == "win32":
        return 0.0  # the standard library cannot tell there
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3  # bytes there, kilobytes on Linux
