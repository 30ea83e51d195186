"""How fast clips are segmented, stage by stage, against what the machine can do."""

import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vosctl.arrays import Image, Labels
from vosctl.compute.stopwatch import Stopwatch
from vosctl.evaluation.operations import count_operations, product_rate
from vosctl.evaluation.steady_state import SteadyState
from vosctl.evaluation.warm_up import warm_up
from vosctl.job.outputs import Outputs
from vosctl.job.pipeline import Pipeline, PipelineOptions
from vosctl.media.clip import Clip, open_clip
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker, TrackerStats

_MOST_FRAMES = 300  # held in memory for the tracker alone; of a longer clip its beginning is measured
# In the order of the work, FRTM's and A-GAME's. The first and the last, measured from file to file, run
# beside the others there.
STAGES = (
    "decode", "upload", "first frame", "features", "target model", "refinement", "coarse masks", "upsampling",
    "aggregation", "memory", "update", "labels", "write",
)  # fmt: skip
BESIDE = ("decode", "write")


@dataclass(frozen=True)
class SpeedJob:
    """A clip to measure."""

    name: str
    clip: Path
    masks: Mapping[int, Labels] | None = None
    """Label maps (H, W) by frame index; None stands for made-up objects."""
    objects: int = 1
    """How many objects to make up where there are no masks."""


@dataclass(frozen=True)
class StageSpeed:
    """One stage of a clip's run."""

    name: str
    seconds: float
    share: float | None
    """The share of the computing stages' seconds; None for a stage that runs beside them."""
    operations: float | None
    """Operations of convolutions and matrix products; None where there are none to speak of."""
    share_of_bound: float | None
    """The share of the machine's matrix-product rate that was reached."""
    steady_share: float | None = None
    """The share in the steady state alone: the last frames up to an update, as FRTM's Table 5 has it. None
    for a clip that is too short."""


@dataclass(frozen=True)
class ClipSpeed:
    """One clip's run."""

    name: str
    frames: int
    objects: int
    size: tuple[int, int]
    """(width, height) that the networks saw."""
    stages: tuple[StageSpeed, ...]
    model_seconds: float
    """The paper's T: the first frame's work included, reading and writing not."""
    model_fps: float
    end_to_end_fps: float
    """Frames a second from the first byte read to the last mask written."""
    first_mask_seconds: float
    operations: float
    share_of_bound: float
    """Operations / (model_seconds * the machine's rate)."""
    peak_memory_mb: float
    peak_device_memory_mb: float | None


@dataclass(frozen=True)
class SpeedResult:
    """All clips, and the machine."""

    model: str
    device: str
    precision: str
    threads: int
    product_rate: float
    """Operations a second of a large product in this dtype, measured in the same run."""
    clips: tuple[ClipSpeed, ...]

    def to_json(self) -> dict[str, Any]:
        """The result as plain data."""
        return asdict(self)


def measure_speed(jobs: list[SpeedJob], model: Model, settings: TrackerSettings) -> SpeedResult:
    """Segment clips after a warm-up, masks going to a folder that is thrown away.

    Args:
        jobs: the clips.
        model: what computes.
        settings: of the tracker.

    Raises:
        VosctlError: a clip or a mask does not work.
    """
    with open_clip(jobs[0].clip) as clip:
        warm_up(model, settings, clip, _masks_of(jobs[0], clip))
    rate = product_rate(model.device, model.dtype)
    clips = tuple(_measure(job, model, settings, rate) for job in jobs)
    return SpeedResult(
        model=model.name,
        device=model.device_name,
        precision=model.precision,
        threads=torch.get_num_threads(),
        product_rate=rate,
        clips=clips,
    )


def _measure(job: SpeedJob, model: Model, settings: TrackerSettings, rate: float) -> ClipSpeed:
    """Run a clip twice: from file to file, then the tracker alone, which no decoding slows down."""
    beside, stopwatch = Stopwatch(host=True), Stopwatch(model.device)
    with open_clip(job.clip) as clip, _nowhere() as folder:
        masks = _masks_of(job, clip)
        options = PipelineOptions(stopwatch=beside)
        summary = Pipeline(clip, masks, model, settings, Outputs(folder), options).run()
    tracker = Tracker(model, settings, stopwatch)
    with open_clip(job.clip) as clip:
        images = [frame.rgb for frame in itertools.islice(clip, _MOST_FRAMES)]
    masks = {index: labels for index, labels in masks.items() if index < len(images)}
    steady = SteadyState(stopwatch, len(images), max(masks), settings.update_interval)
    stats = _run(tracker, steady.watched(images), masks)
    if model.device.type == "cuda":  # a window is one graph only where its stages are not timed
        stats = _run(Tracker(model, settings), images, masks)
    seconds, elsewhere = stopwatch.seconds(), beside.seconds()
    seconds |= {name: elsewhere[name] * len(images) / summary.frames for name in BESIDE}
    size, model_seconds = stats.size, stats.model_seconds
    operations = _operations(model, settings, size, masks, len(images))
    if "memory" in operations:  # an object that is lost in a frame is not learned from it
        each = count_operations(model, settings, size, 1)["memory"]
        operations["memory"] = each * stopwatch.counts.get("memory", 0)
    total = sum(operations.values())
    lately = {name: value for name, value in steady.seconds().items() if name not in BESIDE}
    computing = sum(seconds[name] for name in seconds if name not in BESIDE)
    return ClipSpeed(
        name=job.name,
        frames=len(images),
        objects=len(tracker.object_ids),
        size=size,
        stages=tuple(
            replace(
                _stage(name, seconds[name], operations.get(name), rate, computing),
                steady_share=lately[name] / sum(lately.values()) if name in lately else None,
            )
            for name in STAGES
            if name in seconds
        ),
        model_seconds=model_seconds,
        model_fps=stats.frames_per_second,
        end_to_end_fps=summary.frames_per_second,
        first_mask_seconds=summary.seconds_to_first_mask,
        operations=total,
        share_of_bound=total / (model_seconds * rate),
        peak_memory_mb=summary.peak_memory_mb,
        peak_device_memory_mb=summary.peak_device_memory_mb,
    )


def _run(tracker: Tracker, images: Iterable[Image], masks: Mapping[int, Labels]) -> TrackerStats:
    for _ in tracker.run(images, masks):
        pass
    return tracker.stats


def _stage(name: str, seconds: float, operations: float | None, rate: float, total: float) -> StageSpeed:
    share = None if name in BESIDE else seconds / total
    reached = operations / (seconds * rate) if operations and seconds else None
    return StageSpeed(name, seconds, share, operations, reached)


def _operations(
    model: Model,
    settings: TrackerSettings,
    size: tuple[int, int],
    masks: Mapping[int, Labels],
    frames: int,
) -> dict[str, float]:
    """The operations of the whole run, by stage; an object counts from the frame in which it joins."""
    total: dict[str, float] = {}
    known: set[int] = set()
    starts = sorted(masks)
    for start, end in itertools.pairwise([*starts, frames]):
        joining = {int(i) for i in np.unique(masks[start]) if i}
        first = count_operations(model, settings, size, len(joining))
        total["first frame"] = total.get("first frame", 0.0) + first["first frame"]
        known |= joining
        tracked = end - start - 1
        for name, each in count_operations(model, settings, size, len(known)).items():
            if name != "first frame":
                times = tracked / settings.update_interval if name == "update" else tracked
                total[name] = total.get(name, 0.0) + each * times
    return total


def _masks_of(job: SpeedJob, clip: Clip) -> Mapping[int, Labels]:
    """The job's label maps, or discs in a row: what they show makes no difference to the speed."""
    if job.masks is not None:
        return job.masks
    width, height = clip.info.width, clip.info.height
    y, x = np.mgrid[:height, :width]
    labels = np.zeros((height, width), np.uint8)
    radius = min(height / 4, width / (job.objects + 1) / 2)
    for number in range(1, job.objects + 1):
        centre = width * number / (job.objects + 1)
        labels[(x - centre) ** 2 + (y - height / 2) ** 2 <= radius**2] = number
    return {0: labels}


@contextmanager
def _nowhere() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vosctl-speed-") as folder:
        yield Path(folder)
