"""One clip to segment, as plain data: the same for one clip, for many, and in whatever process they run."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from vosctl.arrays import MAX_ID
from vosctl.errors import UsageError
from vosctl.masks.formats import find_format, places
from vosctl.masks.positions import WHOLE, Part
from vosctl.masks.spec import Format
from vosctl.masks.tidy import NO_TIDYING, Tidy
from vosctl.media.stream_address import stream_address
from vosctl.systems.choice import ModelChoice
from vosctl.systems.settings import TrackerSettings


class MaskAt(NamedTuple):
    """A mask and the frame that it is of."""

    frame: int | str
    """The frame as a person wrote it: its name or its number. In a folder of images, whose frames have names,
    the number is one of these; elsewhere it counts from 0. 0 is the first frame of any clip."""
    path: Path
    is_index: bool = False
    """Whether `frame` counts from 0 whatever the frames' names are."""


@dataclass(frozen=True)
class Request:
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
    """Whether masks may be new, where `resume` is set."""
    live: bool | None = None
    """Drop frames of a stream that comes too fast; None: where it does not wait."""
    stream: int | None = None
    """Number of the clip's video stream, counted from 0; None takes the largest default one."""
    max_pixels: int | None = None
    """How many pixels a frame may have; None is `limits.MAX_PIXELS`."""
    invert: bool = False
    """Exchange object and background in the masks."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What the objects are to be called, by id; others go by what the masks' files call them."""
    labels: Mapping[int, str] = field(default_factory=dict)
    """What the masks' files call the objects, once they have been read."""

    tidy: Tidy = NO_TIDYING
    """What to do to the label maps before they are written."""

    part: Part = WHOLE
    """Which frames of the clip, and how they are numbered."""

    @property
    def all_names(self) -> dict[int, str]:
        """What each object is called, as far as somebody has said it."""
        return {**self.labels, **self.names}

    def places(self) -> dict[Path, Format]:
        """Where each format goes.

        Raises:
            UsageError: a format is not known or named twice, or `output` does not suit the one format.
        """
        return places([find_format(name) for name in self.formats], self.output)


def name_of(clip: Path) -> str:
    """The name by which a clip's masks are found and its results are called: without suffix."""
    if address := stream_address(clip):
        return re.sub(r"[^\w.-]+", "-", address.name).strip("-.")
    return clip.resolve().name if clip.is_dir() else clip.stem


def default_output(clip: Path, output: Path | None, folder: Path, formats: tuple[str, ...]) -> Path:
    """Where a clip's results go: under its name in `output`, or without that to `NAME_masks` in `folder`."""
    suffixes = find_format(formats[0]).suffixes if len(formats) == 1 else ()
    suffix = suffixes[0] if suffixes else ""
    return output / f"{name_of(clip)}{suffix}" if output else folder / f"{name_of(clip)}_masks{suffix}"


def parse_mask(text: str) -> MaskAt:
    """The mask that `[FRAME=]FILE` names; without a frame it is of the first.

    FRAME is a number or the name of a frame; a file whose own name has such a beginning goes first.
    """
    if match := re.fullmatch(r"([0-9]{1,9})=(.+)", text, re.DOTALL):
        return MaskAt(int(match[1]), Path(match[2]))
    match = re.fullmatch(r"([^=/\\]+)=(.+)", text, re.DOTALL)
    return MaskAt(match[1], Path(match[2])) if match and not Path(text).exists() else MaskAt(0, Path(text))


def parse_names(texts: Iterable[str]) -> dict[int, str]:
    """The names that `--name ID=NAME` gives, by id.

    Raises:
        UsageError: one is none, or an id is named twice.
    """
    names: dict[int, str] = {}
    for text in texts:
        match = re.fullmatch(r"([0-9]{1,3})=(.+)", text, re.DOTALL)
        if (
            not match
            or not 1 <= int(match[1]) <= MAX_ID
            or not match[2].isprintable()
            or not match[2].strip()
        ):
            raise UsageError(
                f"--name {text[:40]}: expected ID=NAME with an id of 1 to {MAX_ID}, such as 1=dog"
            )
        if int(match[1]) in names:
            raise UsageError(f"--name {text[:40]}: object {int(match[1])} is named twice; name it once")
        names[int(match[1])] = match[2].strip()
    return names
