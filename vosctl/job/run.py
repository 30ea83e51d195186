"""A run at work: what it goes on from, and what it leaves to be gone on from."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from vosctl.arrays import Labels
from vosctl.errors import MaskError, OutputError
from vosctl.job.open_request import OpenRequest
from vosctl.job.outputs import masks_folder
from vosctl.job.resume.checkpoints import Checkpoints
from vosctl.job.resume.earlier import begin_over
from vosctl.job.resume.missing import first_missing
from vosctl.job.resume.record import Record, describe_request, digest_of_first, model_conditions
from vosctl.masks.formats import FORMATS
from vosctl.masks.reading import read_labels
from vosctl.systems.model import Model
from vosctl.tracking.blending import mask_frames
from vosctl.tracking.tracker import Tracker

_FRAMES = 64  # between two saved states, or
_SECONDS = 20.0  # whichever is sooner: what a kill costs at most


class Run:
    """One run and its folder.

    Attributes:
        folder: its own files.
        keep: results of so many frames are on the disk and stay as they are.
    """

    def __init__(self, opened: OpenRequest, record: Record) -> None:
        self.folder = folder = opened.folder
        self._record = record
        self._clip = opened.source.info
        self._states = Checkpoints(folder.path / "states")
        self.keep = max([record.keep, *self._states.positions()])
        self._saved = time.monotonic()
        self._position = 0  # of the newest state
        self.masks = _label_maps(opened)

    def restore(self, tracker: Tracker) -> None:
        """Puts a tracker where the run can go on.

        Raises:
            OutputError: the state is damaged.
        """
        state = self._states.load()
        if state is None:
            return
        position = self._states.positions()[-1]
        try:
            tracker.load_state_dict(state)
            if tracker.position != position:
                raise ValueError(f"it is of frame {tracker.position}")
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            raise OutputError(
                f"{self._states.path(position)} is damaged: {type(error).__name__}: {error}; remove the "
                "file to go on from an earlier state"
            ) from error
        self._position = position

    def is_due(self, position: int) -> bool:
        """Whether it is time to save a state; then all results before `position` must be on the disk."""
        return position - self._position >= _FRAMES or time.monotonic() - self._saved >= _SECONDS

    def save(self, tracker: Tracker) -> None:
        """Saves the tracker's state.

        Raises:
            OutputError: it cannot be written.
        """
        self._states.save(tracker.position, tracker.state_dict())
        self._position, self._saved = tracker.position, time.monotonic()

    def labels(self, stem: str, size: tuple[int, int]) -> Labels:
        """A label map that the run has written; `size` is (width, height).

        Raises:
            MaskError: it is not there any more, or has become something else.
        """
        return read_labels(self.masks / f"{stem}.png", size, {})[0]

    def end(self, frames: int, complete: bool, broke_off: bool = False) -> None:
        """Notes that results of so many frames are on the disk, and perhaps that this is all.

        Args:
            frames: the number.
            complete: this is all.
            broke_off: the clip did, at that frame: whoever replaces the image may go on.

        Raises:
            OutputError: the record cannot be written.
        """
        self._record = replace(self._record, frames=frames, complete=complete)
        if broke_off and self._clip.is_folder:
            with suppress(OSError):  # the images are gone, and are no more to go on with
                digest = digest_of_first(self._clip, frames)
                self._record = replace(self._record, sound=frames, sound_digest=digest)
        if complete:
            self.folder.discard_backward()
        self._record.write(self.folder.record)


def open_run(opened: OpenRequest, model: Model) -> Run:
    """Begins a run, goes on with one, or begins its correction.

    From here until the run ends its record tells that it is at work.

    Raises:
        MaskError: a correction is of a frame that the clip does not have.
        OutputError: the run cannot go on like this, or something cannot be written.
    """
    request, folder, masks = opened.request, opened.folder, opened.label_maps
    conditions = opened.conditions | model_conditions(request.model, model)
    record = opened.record
    if record is None:
        begin_over(folder)
        record = Record(describe_request(request), conditions, opened.digests)
        folder.write_given(masks)
        record.write(folder.record)
        return Run(opened, record)

    record.check(conditions, request.output)
    if not request.correct:
        record.check_masks(opened.digests, request.output)
    changed = [frame for frame, digest in opened.digests.items() if digest != record.masks.get(frame)]
    if record.complete and max(changed, default=0) >= record.frames:
        raise MaskError(
            f"a mask was given for frame {max(changed)}, but the clip has {record.frames} frames; "
            "frames count from 0"
        )
    if changed:
        record = _correct(opened, record, changed)
        labels = {str(key): name for key, name in request.labels.items()}
        record = replace(record, request={**record.request, "labels": labels})
    record = _keep_what_is_there(opened, record)
    record = replace(record, masks=opened.digests, frames=0, complete=False)
    folder.write_given({frame: masks[frame] for frame in changed})
    record.write(folder.record)
    return Run(opened, record)


def _correct(opened: OpenRequest, record: Record, changed: list[int]) -> Record:
    """Discards what depends on masks that have changed; what came before them stays."""
    masks, folder = opened.label_maps, opened.folder
    begin = changed[0]
    if opened.request.both_ways:  # back to the mask before, for each object
        for object_id, frames in mask_frames({at: masks[at] for at in changed}).items():
            earlier = [at for at, given in masks.items() if at < frames[0] and (given == object_id).any()]
            begin = min(begin, max(earlier) + 1 if earlier else 0)
    states = Checkpoints(folder.path / "states")
    done = record.frames or max([record.keep, *states.positions()])
    keep = min(begin, done)
    states.drop_after(keep)
    folder.discard_backward()
    return replace(record, keep=keep)


def _label_maps(opened: OpenRequest) -> Path:
    """The folder of label maps, from which a run goes on and makes other formats."""
    return masks_folder(opened.request, opened.places) or opened.folder.masks


def _keep_what_is_there(opened: OpenRequest, record: Record) -> Record:
    """Goes on before the first frame whose results are gone, where only tracking gives them again."""
    places = {path: form for path, form in opened.places.items() if form.needs_soft}
    places[_label_maps(opened)] = FORMATS["palette"]
    missing = first_missing(places, opened.folder.log)
    if missing is None:
        return record
    Checkpoints(opened.folder.path / "states").drop_after(missing)
    return replace(record, keep=min(record.keep, missing))
