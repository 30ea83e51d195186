"""The main job as functions: what `vosctl segment` does, for programs."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from vosctl.arrays import Image
from vosctl.errors import MaskError
from vosctl.job.open_request import correction_of, open_request
from vosctl.job.pipeline import run_request
from vosctl.job.request import MaskAt, Request, default_output
from vosctl.job.summary import Summary
from vosctl.media.clip import open_clip
from vosctl.media.stream_address import clip_path
from vosctl.systems.choice import ModelChoice
from vosctl.systems.model import Model
from vosctl.systems.presets import preset_for
from vosctl.systems.settings import TrackerSettings

File = str | Path
Masks = File | Mapping[int, File]
"""A mask of the first frame, or masks by frame index, counted from 0."""


def segment(
    clip: File,
    masks: Masks,
    output: File | None = None,
    *,
    formats: Sequence[str] = ("palette",),
    overlay: File | None = None,
    model: File | Model | None = None,
    settings: TrackerSettings | None = None,
    device: str = "auto",
    both_ways: bool = False,
    overwrite: bool = False,
    resume: bool = False,
    names: Mapping[int, str] | None = None,
) -> Summary:
    """Segment the objects of a clip that a mask shows: one mask for every frame.

    Args:
        clip: a video file, a folder of images, or the address of a stream.
        masks: a mask of the first frame, or masks by frame index: objects that are new join at that frame,
            objects that already run are corrected from there on.
        output: the folder for the masks, or the file or folder of the one format; by default as the command
            line names it, CLIP_masks in the working folder.
        formats: as `--format` names them.
        overlay: a video to write with the masks drawn over the clip.
        model: a name, a model file, or a model that is loaded; by default the shipped one.
        settings: of the tracker; by default those that the model is for, `TrackerSettings()` for the shipped
            ones and `TrackerSettings.paper(...)` for checkpoints of FRTM's authors.
        device: auto, cpu or cuda:N; of a model that is loaded already, its own.
        both_ways: also run backwards from the masks.
        overwrite: write over results that exist.
        resume: go on with the run that the output holds, if there is one.
        names: what objects are called, by id, in formats that keep names; else as the masks' files call them.

    Returns:
        What was done. A clip that breaks off is no error: what came before the break is kept, `broken` says
        where that was, and a warning is given.

    Raises:
        VosctlError: the clip, a mask, the model or the output does not work; the message is one line.
    """
    place = clip_path(str(clip))
    choice = ModelChoice(model.name if isinstance(model, Model) else str(model) if model else None)
    request = Request(
        clip=place,
        masks=_masks_at(masks),
        output=Path(output) if output else default_output(place, None, Path(), tuple(formats)),
        formats=tuple(formats),
        overlay=Path(overlay) if overlay else None,
        model=choice,
        settings=settings or preset_for(choice).settings,
        both_ways=both_ways,
        overwrite=overwrite,
        resume=resume,
        names=dict(names or {}),
    )
    return _done(request, model if isinstance(model, Model) else None, device)


def correct(run: File, masks: Masks, *, model: Model | None = None, device: str = "auto") -> Summary:
    """Correct a run: only what depends on the new masks is done again; the rest is as the run had it.

    Args:
        run: the output of the run.
        masks: as for `segment`; beside or in place of those that the run has.
        model: the run's model, where it is loaded already.
        device: auto, cpu or cuda:N.

    Raises:
        VosctlError: there is no such run, or a mask does not work.
    """
    return _done(correction_of(Path(run), _masks_at(masks)), model, device)


def read_frames(clip: File) -> Iterator[Image]:
    """The frames of a clip as arrays (H, W, 3) uint8, RGB, turned upright; one at a time is held.

    Raises:
        ClipError: the clip cannot be opened, or breaks off (`TruncatedClipError`).
    """
    with open_clip(clip_path(str(clip))) as source:
        for frame in source:
            yield frame.rgb


def _done(request: Request, model: Model | None, device: str) -> Summary:
    with open_request(request) as opened:
        if done := opened.done:
            return Summary.from_json(done)
        summary = run_request(opened, model or opened.model_choice.load(device))
    if summary.broken:
        warnings.warn(summary.broken, stacklevel=3)
    return summary


def _masks_at(masks: Masks) -> tuple[MaskAt, ...]:
    by_frame = masks if isinstance(masks, Mapping) else {0: masks}
    for frame, mask in by_frame.items():
        if not isinstance(mask, str | Path):
            raise MaskError(
                f"the mask of frame {frame} is a {type(mask).__name__}; expected the path of a file: for "
                "arrays use Tracker, or save them first"
            )
    return tuple(MaskAt(frame, Path(mask), True) for frame, mask in sorted(by_frame.items()))
