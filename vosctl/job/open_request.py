"""A request whose clip is open, whose masks are read, and whose results have a place.

Everything that a run needs to know of files is found out here, once: the places of the formats, the run's own
folder, the record of a run that goes on, and with it the model to load. Imports go one way: request, then
folder and record (`vosctl.job.resume`), then this file, then the run, then the pipeline.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from vosctl.arrays import Labels
from vosctl.errors import MaskError, OutputError, UsageError
from vosctl.job.request import MaskAt, Request
from vosctl.job.resume.folder import RunFolder, digest_of
from vosctl.job.resume.missing import first_missing
from vosctl.job.resume.record import Record, conditions_of
from vosctl.masks.frame_names import FrameNames
from vosctl.masks.given import GivenMask, SharedIds, read_given
from vosctl.masks.positions import WHOLE, open_part
from vosctl.masks.reading import Mask
from vosctl.masks.spec import Format
from vosctl.media.claims import claim_file, claim_folder, hold, keep_inputs
from vosctl.media.clip import Clip, ClipInfo
from vosctl.media.sink import is_pipe
from vosctl.media.video_writer import check_suffix
from vosctl.systems.choice import ModelChoice


@dataclass(frozen=True)
class OpenRequest:
    """What `open_request` has found out."""

    request: Request
    source: Clip
    masks: Mapping[int, Mask]
    """The given masks, by frame index."""
    places: Mapping[Path, Format]
    """Where each format goes."""
    folder: RunFolder
    """Where the run keeps its own files."""
    record: Record | None
    """The record of the run that goes on; None where a new one begins."""

    @cached_property
    def label_maps(self) -> dict[int, Labels]:
        """The masks' label maps, by frame index."""
        return {frame: mask.labels for frame, mask in self.masks.items()}

    @cached_property
    def digests(self) -> dict[int, str]:
        """The digests by which the masks are known again, by frame index."""
        return {frame: digest_of(labels) for frame, labels in sorted(self.label_maps.items())}

    @cached_property
    def conditions(self) -> dict[str, Any]:
        """What the results depend on, as far as it is known without the model."""
        return conditions_of(self.request, self.source.info)

    @property
    def model_choice(self) -> ModelChoice:
        """The model to load. A run that goes on keeps its dtype, which auto would choose anew."""
        return self.record.with_precision(self.request.model) if self.record else self.request.model

    @property
    def is_lasting(self) -> bool:
        """Whether clip and masks can be read again, so that a run can go on: they go through no pipe."""
        return not self.source.info.is_stream and not is_pipe(self.request.output)

    @property
    def done(self) -> dict[str, Any] | None:
        """The summary of an earlier run that was to be resumed and has left nothing to do.

        Raises:
            OutputError: the run there is another one.
        """
        record, request = self.record, self.request
        if not (record and self.is_lasting):
            return None
        if request.correct and self.digests != record.masks:
            return None
        record.check(self.conditions, request.output)
        record.check_masks(self.digests, request.output)
        results = (*self.places, request.overlay, self.folder.summary, self.folder.log)
        if not (record.complete and all(path.exists() for path in results if path)):
            return None
        if first_missing(self.places, self.folder.log) is not None:
            return None
        return self.folder.read_summary()


@contextmanager
def open_request(request: Request) -> Iterator[OpenRequest]:
    """Check all that can be checked before a model is loaded; writes nothing but the locks of the outputs.

    The outputs are held as long as the request is open: no other run can write to them.

    Raises:
        ClipError: the clip does not work.
        MaskError: a mask does not work, or does not fit the clip.
        OutputError: another run is writing there, results are in the way, or the record of the run that is
            to go on is damaged.
        UsageError: formats and places do not fit together.
    """
    places = request.places()
    if request.overlay:
        check_suffix(request.overlay)
    keep_inputs([*places, request.overlay], [request.clip, *(mask.path for mask in request.masks)])
    if request.overlay in places:
        raise UsageError(f"{request.overlay} is named for the masks and for the overlay; name two places")
    with open_part(request.clip, request.part, request.live, request.stream, request.max_pixels) as source:
        info = source.info
        request = replace(request, settings=request.settings.for_frames(info.width, info.height))
        masks = read_masks(request.masks, info, request.invert, request.labels)
        labels = dict(request.labels)
        for mask in masks.values():
            labels.update(mask.names)
        request = replace(request, labels=labels)
        is_file = len(places) == 1 and not next(iter(places.values())).is_folder
        folder = RunFolder(request.output, not is_file)
        with ExitStack() as held:
            held.enter_context(hold(request.output, not is_file, folder.path))
            held.enter_context(hold(request.overlay))
            held.enter_context(hold(request.scores, is_folder=True))
            has_run = folder.record.is_file()
            if not (request.resume and has_run):
                _claim(request, is_file, has_run)
            going_on = request.resume and has_run
            record = Record.read(folder.record).in_clip(info) if going_on else None
            yield OpenRequest(request, source, masks, places, folder, record)


def _claim(request: Request, is_file: bool, has_run: bool) -> None:
    """Make sure that a new run finds its places free, or may write over what is there."""
    claim = claim_file if is_file else claim_folder
    try:
        claim(request.output, request.overwrite)
    except OutputError as error:
        if has_run:
            raise OutputError(f"{error}; to go on with the run there: --resume") from None
        raise
    if request.overlay:
        claim_file(request.overlay, request.overwrite)
    if request.scores:
        claim_folder(request.scores, request.overwrite)


def correction_of(
    output: Path, masks: Sequence[MaskAt], clip: Path | None = None, stop_when_lost: bool = False
) -> Request:
    """What to do to correct the run in a folder, or to go on with its correction.

    Args:
        output: of the run.
        masks: new ones, beside or in place of those of the run.
        clip: where the clip is now, if that is elsewhere.
        stop_when_lost: end where an object is lost.

    Raises:
        OutputError: there is no run.
        UsageError: two masks are of one frame.
    """
    folder = RunFolder.find(output)
    if folder is None:
        raise OutputError(f"{output} holds no record of a run; name what vosctl segment wrote with -o")
    given = folder.given_masks()
    record = Record.read(folder.record)
    known = {frame: given[frame] for frame in record.masks if frame in given}
    request = record.to_request(output, known)
    place = clip or request.clip
    part = request.part
    numbering = open_part(place, part).info.numbering if part != WHOLE else None
    names = FrameNames(place, numbering)
    new = {index_of(mask, names): mask.path for mask in masks}
    if len(new) < len(masks):
        raise UsageError("two masks for one frame; put all objects of a frame into one mask")
    request = record.to_request(output, known | new)
    return replace(
        request, clip=clip or request.clip, resume=True, correct=True, stop_when_lost=stop_when_lost
    )


def index_of(mask: MaskAt, names: FrameNames) -> int:
    """The index, counted from 0, of the frame that a mask is of.

    Args:
        mask: the mask.
        names: of the clip's frames.

    Raises:
        MaskError: the clip has no such frame.
    """
    if isinstance(mask.frame, int) and (mask.is_index or mask.frame == 0):
        return mask.frame
    return names.index_of(str(mask.frame), mask.path)


def read_masks(
    given: Sequence[MaskAt], info: ClipInfo, invert: bool = False, labels: Mapping[int, str] | None = None
) -> dict[int, Mask]:
    """The masks of a clip, by frame index.

    Args:
        given: what a person gave; one file may hold masks of several frames.
        info: of the clip.
        invert: exchange object and background.
        labels: what earlier files call the objects, by id: those of one name have one id.

    Raises:
        UsageError: none is given, or two for one frame.
        MaskError: one cannot be read, has another size than the clip, or is of a frame that it has not.
    """
    if not given:
        raise UsageError(
            "no mask given; say which objects to follow with --mask FILE, draw them with "
            f"'vosctl mask {info.path}', or name a box around each with --box X,Y,W,H"
        )
    masks: dict[int, Mask] = {}
    names, ids = FrameNames(info.path, info.numbering), SharedIds(labels or {})
    for mask in given:
        path, at = mask.path, index_of(mask, names)
        if not path.exists() and at not in masks:
            raise MaskError(
                f"{path}: no such file; expected a mask of {info.path}: draw one with "
                f"'vosctl mask {info.path} -o {path}', or name a box around each object with --box X,Y,W,H"
            )
        if at in masks:
            raise _second(path, at)
        found = read_given(path, (info.width, info.height), info.rotation, invert, at)
        for frame, one in _by_frame(ids.align(found), mask, at, names):
            if frame in masks:
                raise _second(path, frame)
            hint = info.frame_count_hint
            if info.is_folder and hint is not None and frame >= hint:
                raise MaskError(
                    f"{path}: given for frame {frame}, but {info.path} has {hint} frames, counted from 0"
                )
            masks[frame] = one
    return masks


def _second(path: Path, frame: int) -> UsageError:
    return UsageError(
        f"{path}: a second mask for frame {frame}; put all objects of a frame into one mask, "
        f"or name another frame with --mask FRAME={path}"
    )


def _by_frame(
    found: Sequence[GivenMask], mask: MaskAt, at: int, names: FrameNames
) -> Iterator[tuple[int, Mask]]:
    """The masks of one file with the index of their frames; only that of `at`, if a frame was named."""
    if any(one.frame is not None for one in found):
        everything = [(_index(one.frame, mask, at, names), one.mask) for one in found]
        placed = [(index, one) for index, one in everything if index is not None]
        if not placed:
            raise MaskError(f"{mask.path} holds no mask of the part of the clip that is asked for")
    else:
        placed = [(at, one.mask) for one in found]
    if len(placed) == 1 or not at:
        yield from placed
        return
    chosen = [one for one in placed if one[0] == at]
    if not chosen:
        raise MaskError(f"{mask.path} holds masks of {len(placed)} frames, but none of frame {at}")
    yield from chosen


def _index(frame: str | int | None, mask: MaskAt, at: int, names: FrameNames) -> int | None:
    """The index of the frame that a mask's file names, `at` where it names none; None outside of the part."""
    if frame is None:
        return at
    return names.within(frame if isinstance(frame, int) else names.whole_index_of(frame, mask.path))
