"""One clip from end to end: frames in, tracked, masks and overlay out."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from vosctl import __version__
from vosctl.errors import TruncatedClipError
from vosctl.exports.formats import Format
from vosctl.exports.writer import LabelledFrame
from vosctl.media.clip import Clip, Frame
from vosctl.media.mask_writer import MaskWriter
from vosctl.media.overlay import draw_overlay
from vosctl.media.prefetch import prefetch
from vosctl.media.video_writer import VideoWriter
from vosctl.models.model import Model
from vosctl.tracking.settings import TrackerSettings
from vosctl.tracking.tracker import Image, Labels, TrackedFrame, Tracker

_FRAMES_AHEAD = 12  # decoded and waiting: more than a window, so that decoding never holds up the tracker

OnFrame = Callable[[Frame, TrackedFrame | None], None]


@dataclass(frozen=True)
class OverlayStyle:
    """How masks are drawn over the picture."""

    opacity: float = 0.5
    """Of the colours, 0 to 1."""
    contour: bool = True
    """Draw a line around each object."""


@dataclass(frozen=True)
class Outputs:
    """What a run writes; None for what it does not."""

    masks: Path | None = None
    """Folder of palette PNGs."""
    overlay: Path | None = None
    """Video of the clip with its masks drawn over it."""
    style: OverlayStyle = OverlayStyle()
    exports: Mapping[Path, Format] = field(default_factory=dict)
    """Masks in other formats, by the folder or file that they go to."""


@dataclass(frozen=True)
class Summary:
    """What a run did and cost; the report."""

    clip: str
    frames: int
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
    peak_memory_mb: float
    """Of this process on the host."""
    peak_device_memory_mb: float | None
    """Of the GPU, None on a CPU."""
    broken: str | None
    """How the clip broke off before its end; None where it did not."""
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
) -> Summary:
    """Track the objects of a clip and write what is asked for. Neither clip nor masks are held in memory.

    Args:
        clip: what to segment.
        masks: label maps by frame index.
        model: what computes.
        settings: of the tracker.
        outputs: what to write, and where.
        on_frame: called after each frame.

    Returns:
        What it did. A clip that breaks off is no error here: what came before the break is written, and
        `broken` says where that was.

    Raises:
        VosctlError: the clip, a mask or an output does not work.
    """
    tracker = Tracker(model, settings)
    waiting: deque[Frame] = deque()  # frames that the tracker holds for its window
    broken: str | None = None
    first_mask: float | None = None
    notes: list[str] = []
    frames = 0
    start = time.perf_counter()

    def images() -> Iterator[Image]:
        nonlocal broken
        try:
            for frame in prefetch(clip, _FRAMES_AHEAD):
                waiting.append(frame)
                yield frame.rgb
        except TruncatedClipError as error:  # the frames of the unfinished window must still come out
            broken = str(error)

    with ExitStack() as stack:
        mask_writer = stack.enter_context(MaskWriter(outputs.masks)) if outputs.masks else None
        video = stack.enter_context(VideoWriter(outputs.overlay, clip.info)) if outputs.overlay else None
        exports = [stack.enter_context(form.open(path, clip.info)) for path, form in outputs.exports.items()]
        soft = any(form.needs_soft for form in outputs.exports.values())
        for result in tracker.run(images(), masks, soft=soft):
            frame = waiting.popleft()
            if mask_writer:
                mask_writer.write(frame.stem, result.labels)
            if exports:
                labelled = _labelled(frame, result, tracker.object_ids)
                for export in exports:
                    export.write(labelled)
            if video:
                style = outputs.style
                picture = draw_overlay(frame.rgb, result.labels, style.opacity, style.contour)
                video.write(picture, frame.time)
            frames += 1
            if first_mask is None:
                first_mask = time.perf_counter() - start
            if on_frame:
                on_frame(frame, result)
        notes.extend({writer.note: None for writer in (video, *exports) if writer and writer.note})
    seconds = time.perf_counter() - start

    on_gpu = model.device.type == "cuda"
    return Summary(
        clip=str(clip.info.path),
        frames=frames,
        size=(clip.info.width, clip.info.height),
        network_size=tracker.stats.size,
        objects=tracker.object_ids,
        model=model.name,
        refined=model.refined and settings.refine,
        device=torch.cuda.get_device_name(model.device) if on_gpu else str(model.device),
        precision=str(model.dtype).removeprefix("torch."),
        seconds_to_first_mask=first_mask or 0.0,
        model_frames_per_second=tracker.stats.frames_per_second,
        frames_per_second=frames / seconds,
        peak_memory_mb=_peak_memory_mb(),
        peak_device_memory_mb=torch.cuda.max_memory_allocated(model.device) / 1e6 if on_gpu else None,
        broken=broken,
        notes=tuple(notes),
    )


def _labelled(frame: Frame, result: TrackedFrame, object_ids: tuple[int, ...]) -> LabelledFrame:
    """As exports take it; the probabilities are of the objects so far, none before the first mask."""
    maps = result.probabilities[1:] if result.probabilities is not None else ()
    soft = dict(zip(object_ids, maps, strict=False))
    return LabelledFrame(result.labels, frame.stem, frame.time, frame.rgb, soft)


def _peak_memory_mb() -> float:
    if sys.platform == "win32":
        return 0.0  # the standard library cannot tell there
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3  # bytes there, kilobytes on Linux
