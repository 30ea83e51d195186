"""One clip to segment, as plain data: the same for one clip, for many, and in whatever process they run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vosctl.errors import MaskError, UsageError
from vosctl.exports.formats import Format, find_format, places
from vosctl.exports.png import make_folder
from vosctl.media.claims import claim_file, claim_folder
from vosctl.media.clip import Clip, ClipInfo, open_clip
from vosctl.media.masks import Mask, read_mask
from vosctl.models.choice import ModelChoice
from vosctl.tracking.settings import TrackerSettings

if TYPE_CHECKING:
    from vosctl.session import Outputs


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
    overwrite: bool = False

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
        from vosctl.session import Outputs

        targets = self.task.places
        if len(targets) > 1:
            make_folder(self.task.output)
        folder = next((path for path, form in targets.items() if form.name == "palette"), None)
        exports = {path: form for path, form in targets.items() if path != folder}
        return Outputs(folder, self.task.overlay, exports=exports)


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
    with open_clip(task.clip) as source:
        masks = read_masks(task.masks, source.info)
        is_file = len(targets) == 1 and not next(iter(targets.values())).is_folder
        claim = claim_file if is_file else claim_folder
        claim(task.output, task.overwrite)
        if task.overlay:
            claim_file(task.overlay, task.overwrite)
        yield OpenTask(task, source, masks)


def name_of(clip: Path) -> str:
    """By which a clip's masks are found and its results are named: a file's without suffix, a folder's."""
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
