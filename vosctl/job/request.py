"""One clip to segment, as plain data: the same for one clip, for many, and in whatever process they run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vosctl.arrays import Labels
from vosctl.errors import MaskError, OutputError, UsageError
from vosctl.job.resume.folder import RunFolder
from vosctl.masks.formats import Format, find_format, places
from vosctl.masks.reading import Mask, read_mask
from vosctl.media.claims import claim_file, claim_folder, keep_inputs, refuse_link
from vosctl.media.clip import Clip, ClipInfo, open_clip
from vosctl.media.files import make_folder
from vosctl.media.sink import is_pipe
from vosctl.media.stream_address import stream_address
from vosctl.media.video_writer import check_suffix
from vosctl.systems.choice import ModelChoice
from vosctl.systems.settings import TrackerSettings

if TYPE_CHECKING:
    from vosctl.job.pipeline import OnFrame, Outputs, Summary
    from vosctl.systems.model import Model


class MaskAt(NamedTuple):
    """A mask and the frame that it is of."""

    frame: int
    """Counted from 0."""
    path: Path


@dataclass(frozen=True)
class Task:
    """What to segment, with what, and what to write."""

    clip: Path
    masks: tuple[MaskAt, ...]
    output: Path
    """The file or folder of the one format, or the folder that several go into."""
    model: ModelChoice
    settings: TrackerSettings
    formats: tuple[str, ...] = ("palette",)
    overlay: Path | None = None
    scores: Path | None = None
    """Folder for pictures of how the objects' models see each frame."""
    overwrite: bool = False
    both_ways: bool = False
    """Also run backwards from the masks."""
    stop_when_lost: bool = False
    """End where an object is lost."""
    resume: bool = False
    """Go on with the run that the output holds, if there is one."""
    correct: bool = False
    """With `resume`: masks may be new."""
    live: bool | None = None
    """Drop frames of a stream that comes too fast; None: where it does not wait."""
    stream: int | None = None
    """Number of the clip's video stream, counted from 0; None takes the largest default one."""
    max_pixels: int | None = None
    """How many pixels a frame may have; None is `limits.MAX_PIXELS`."""

    @property
    def places(self) -> dict[Path, Format]:
        """Where each format goes.

        Raises:
            UsageError: a format is not known or named twice, or `output` does not suit the one format.
        """
        return places([find_format(name) for name in self.formats], self.output)


@dataclass(frozen=True)
class OpenTask:
    """A task whose clip is open, whose masks have been read and whose results have a place."""

    task: Task
    source: Clip
    masks: Mapping[int, Mask]
    """By frame index."""

    def outputs(self) -> "Outputs":
        """What to write; makes the folder of several formats.

        Raises:
            OutputError: it cannot be made.
        """
        from vosctl.job.pipeline import Outputs

        targets = self.task.places
        if len(targets) > 1:
            make_folder(self.task.output)
            for path in targets:
                refuse_link(path)
        folder = next((path for path, form in targets.items() if form.name == "palette"), None)
        exports = {path: form for path, form in targets.items() if path != folder}
        return Outputs(folder, self.task.overlay, exports=exports, scores=self.task.scores)

    @property
    def label_maps(self) -> dict[int, Labels]:
        """Of the masks, by frame index."""
        return {frame: mask.labels for frame, mask in self.masks.items()}

    @property
    def done(self) -> dict[str, Any] | None:
        """What an earlier run did (`Summary.to_json`) that was to be resumed, and has left nothing to do.

        Raises:
            OutputError: the run there is another one.
        """
        from vosctl.job.resume.run import folder_of, is_complete

        if self.is_lasting and is_complete(self.task, self.label_maps, self.source.info):
            return folder_of(self.task).read_summary()
        return None

    def segment(
        self, model: "Model", on_frame: "OnFrame | None" = None, log: Path | None = None
    ) -> "Summary":
        """Do it; see `vosctl.job.pipeline.segment_clip`.

        Args:
            model: what computes.
            on_frame: called after each frame.
            log: for the confidences where there is no run that keeps them, of a stream.

        Raises:
            VosctlError: something does not work.
        """
        from vosctl.job.pipeline import segment_clip
        from vosctl.job.resume.earlier import begin_over, end_stream, remove_earlier
        from vosctl.job.resume.run import folder_of, open_run

        task, info = self.task, self.source.info
        if not self.is_lasting and (task.both_ways or task.resume):
            raise UsageError(
                f"{info.path} can be read only once; for --both-ways and --resume save it to a file first"
            )
        labels, outputs, folder = self.label_maps, self.outputs(), folder_of(task)
        run = open_run(task, labels, info, model) if self.is_lasting else None
        if not run:
            begin_over(folder)
        try:
            summary = segment_clip(
                self.source,
                labels,
                model,
                task.settings,
                outputs,
                on_frame,
                run=run,
                log=log,
                both_ways=task.both_ways,
                stop_when_lost=task.stop_when_lost,
            )
        except KeyboardInterrupt:
            if not run:  # a stream may have no other end
                end_stream(folder, task.places, log)
            raise
        if run:
            remove_earlier(folder)
            folder.write_summary(summary.to_json())
        else:
            end_stream(folder, task.places, log)
        return summary

    @property
    def is_lasting(self) -> bool:
        """Whether clip and masks can be read again, as they go through no pipe: so that a run can go on."""
        return not self.source.info.is_stream and not is_pipe(self.task.output)


@contextmanager
def open_task(task: Task) -> Iterator[OpenTask]:
    """Check all that can be checked before a model is loaded; writes nothing.

    Raises:
        ClipError: the clip does not work.
        MaskError: a mask does not work, or does not fit the clip.
        OutputError: results are in the way.
        UsageError: formats and places do not fit together.
    """
    targets = task.places
    if task.overlay:
        check_suffix(task.overlay)
    keep_inputs([*targets, task.overlay], [task.clip, *(mask.path for mask in task.masks)])
    if task.overlay in targets:
        raise UsageError(f"{task.overlay} is named for the masks and for the overlay; name two places")
    with open_clip(task.clip, task.live, task.stream, task.max_pixels) as source:
        task = replace(task, settings=task.settings.for_frames(source.info.width, source.info.height))
        masks = read_masks(task.masks, source.info)
        is_file = len(targets) == 1 and not next(iter(targets.values())).is_folder
        run = RunFolder.find(task.output)
        if not (task.resume and run):
            claim = claim_file if is_file else claim_folder
            try:
                claim(task.output, task.overwrite)
            except OutputError as error:
                if run:
                    raise OutputError(f"{error}; to go on with the run there: --resume") from None
                raise
            if task.overlay:
                claim_file(task.overlay, task.overwrite)
            if task.scores:
                claim_folder(task.scores, task.overwrite)
        yield OpenTask(task, source, masks)


def name_of(clip: Path) -> str:
    """By which a clip's masks are found and its results are named: a file's without suffix, a folder's."""
    if address := stream_address(clip):
        return re.sub(r"[^\w.-]+", "-", address.name).strip("-.")
    return clip.resolve().name if clip.is_dir() else clip.stem


def parse_mask(text: str) -> MaskAt:
    """The mask that `[FRAME=]FILE` names; without a frame it is of the first."""
    match = re.fullmatch(r"([0-9]{1,9})=(.+)", text, re.DOTALL)
    return MaskAt(int(match[1]), Path(match[2])) if match else MaskAt(0, Path(text))


def read_masks(given: Sequence[MaskAt], info: ClipInfo) -> dict[int, Mask]:
    """The masks of a clip, by frame index.

    Raises:
        UsageError: none is given, or two for one frame.
        MaskError: one cannot be read, has another size than the clip, or is of a frame that it has not.
    """
    if not given:
        raise UsageError("no mask given; say which objects to follow with --mask FILE")
    masks: dict[int, Mask] = {}
    for frame, path in given:
        if frame in masks:
            raise UsageError(
                f"{path}: a second mask for frame {frame}; put all objects of a frame into one mask, "
                f"or name another frame with --mask FRAME={path}"
            )
        masks[frame] = read_mask(path, (info.width, info.height))
        hint = info.frame_count_hint
        if info.is_folder and hint is not None and frame >= hint:
            raise MaskError(
                f"{path}: given for frame {frame}, but {info.path} has {hint} frames, counted from 0"
            )
    return masks
