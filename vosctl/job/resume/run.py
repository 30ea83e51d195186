"""A run at work: what it goes on from, and what it leaves to be gone on from."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vosctl.arrays import Labels
from vosctl.errors import MaskError, OutputError, UsageError
from vosctl.job.request import MaskAt, Task
from vosctl.job.resume.checkpoints import Checkpoints
from vosctl.job.resume.earlier import begin_over
from vosctl.job.resume.folder import RunFolder, digest_of
from vosctl.job.resume.record import Record, conditions_of, describe_task, model_conditions
from vosctl.masks.reading import read_labels
from vosctl.media.files import remove_leftovers
from vosctl.media.frame import ClipInfo
from vosctl.systems.choice import ModelChoice
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

    def __init__(self, folder: RunFolder, record: Record, task: Task) -> None:
        self.folder = folder
        self._record = record
        self._states = Checkpoints(folder.path / "states")
        self.keep = max([record.keep, *self._states.positions()])
        self._saved = time.monotonic()
        self._position = 0  # of the newest state
        palette = [path for path, form in task.places.items() if form.name == "palette"]
        self.masks = palette[0] if palette else folder.masks

    def restore(self, tracker: Tracker) -> None:
        """Puts a tracker where the run can go on.

        Raises:
            OutputError: the state is damaged.
        """
        if state := self._states.load():
            tracker.load_state_dict(state)
            self._position = tracker.position

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

    def end(self, frames: int, complete: bool) -> None:
        """Notes that results of so many frames are on the disk, and perhaps that this is all.

        Raises:
            OutputError: the record cannot be written.
        """
        self._record = replace(self._record, frames=frames, complete=complete)
        if complete:
            self._record = replace(self._record, processes=())
            self.folder.discard_backward()
        self._record.write(self.folder.record)


def open_run(task: Task, masks: Mapping[int, Labels], info: ClipInfo, model: Model) -> Run:
    """Begins a run, goes on with one, or begins its correction.

    From here until the run ends its record tells that it is at work.

    Args:
        task: with `resume`, the run in its output is to go on; with `correct`, also with other masks.
        masks: all label maps, by frame index.
        info: of the clip.
        model: what computes.

    Raises:
        MaskError: a correction is of a frame that the clip does not have.
        OutputError: the run cannot go on like this, or something cannot be written.
    """
    folder = folder_of(task)
    conditions = conditions_of(task, info) | model_conditions(task.model, model)
    digests = _digests(masks)
    if not (task.resume and folder.record.is_file()):
        _sweep(folder, task, _processes(folder))
        begin_over(folder)
        record = Record(describe_task(task), conditions, digests, processes=(os.getpid(),))
        folder.write_given(masks)
        record.write(folder.record)
        return Run(folder, record, task)

    record = Record.read(folder.record)
    record.check(conditions, task.output)
    if not task.correct:
        record.check_masks(digests, task.output)
    _sweep(folder, task, record.processes)
    changed = [frame for frame in digests if digests[frame] != record.masks.get(frame)]
    if record.complete and max(changed, default=0) >= record.frames:
        raise MaskError(
            f"a mask was given for frame {max(changed)}, but the clip has {record.frames} frames; "
            "frames count from 0"
        )
    if changed:
        record = _correct(folder, record, task, masks, changed)
    record = replace(
        record, masks=digests, frames=0, complete=False, processes=(*record.processes, os.getpid())
    )
    folder.write_given({frame: masks[frame] for frame in changed})
    record.write(folder.record)
    return Run(folder, record, task)


def correction_of(
    output: Path, masks: Sequence[MaskAt], clip: Path | None = None, stop_when_lost: bool = False
) -> Task:
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
    new = {mask.frame: mask.path for mask in masks}
    if len(new) < len(masks):
        raise UsageError("two masks for one frame; put all objects of a frame into one mask")
    task = record.to_task(output, {frame: given[frame] for frame in record.masks if frame in given} | new)
    return replace(task, clip=clip or task.clip, resume=True, correct=True, stop_when_lost=stop_when_lost)


def choice_of(task: Task) -> ModelChoice:
    """The model to load. A run that goes on keeps its dtype, which auto would choose anew."""
    folder = folder_of(task)
    if not (task.resume and folder.record.is_file()):
        return task.model
    return Record.read(folder.record).with_precision(task.model)


def folder_of(task: Task) -> RunFolder:
    """Where a task's run keeps its own files."""
    forms = list(task.places.values())
    return RunFolder(task.output, len(forms) > 1 or forms[0].is_folder)


def is_complete(task: Task, masks: Mapping[int, Labels], info: ClipInfo) -> bool:
    """Whether there is nothing left to do: the run is done, and its results are there.

    Raises:
        OutputError: the run there is another one.
    """
    folder = folder_of(task)
    if not (task.resume and folder.record.is_file()):
        return False
    record, digests = Record.read(folder.record), _digests(masks)
    if task.correct and digests != record.masks:
        return False
    record.check(conditions_of(task, info), task.output)
    record.check_masks(digests, task.output)
    results = (*task.places, task.overlay, folder.summary)
    return record.complete and all(path.exists() for path in results if path)


def _digests(masks: Mapping[int, Labels]) -> dict[int, str]:
    return {frame: digest_of(labels) for frame, labels in sorted(masks.items())}


def _correct(
    folder: RunFolder, record: Record, task: Task, masks: Mapping[int, Labels], changed: list[int]
) -> Record:
    """Discards what depends on masks that have changed; what came before them stays."""
    begin = changed[0]
    if task.both_ways:  # back to the mask before, for each object
        for object_id, frames in mask_frames({at: masks[at] for at in changed}).items():
            earlier = [at for at, given in masks.items() if at < frames[0] and (given == object_id).any()]
            begin = min(begin, max(earlier) + 1 if earlier else 0)
    states = Checkpoints(folder.path / "states")
    done = record.frames or max([record.keep, *states.positions()])
    keep = min(begin, done)
    states.drop_after(keep)
    folder.discard_backward()
    return replace(record, keep=keep)


def _processes(folder: RunFolder) -> tuple[int, ...]:
    """Those of a run that is to be written over."""
    try:
        return Record.read(folder.record).processes
    except OutputError:
        return ()


def _sweep(folder: RunFolder, task: Task, processes: tuple[int, ...]) -> None:
    """Removes the temporary files of processes that were killed."""
    places = [folder.path, folder.given, folder.masks, folder.backward]
    places += [folder.path / "states", folder.backward / "states"]
    for path, form in task.places.items():
        places += [path, *(p for p in path.glob("*/"))] if form.is_folder else [path.parent]
    if task.overlay:
        places.append(task.overlay.parent)
    for place in places:
        remove_leftovers(place, processes)
