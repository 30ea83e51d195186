"""Lists of clips to segment: `jobs.csv` or `jobs.json`, and masks found by the clips' names.

    clip,mask,output,model,max-size
    a.mp4,a.png,masks/a,,
    b.mp4,first.png;60=later.png,masks/b,,640

    [{"clip": "b.mp4", "mask": ["first.png", "60=later.png"], "output": "masks/b", "max-size": 640}]

`clip` and `mask` are required. Paths are relative to the list's own folder and stay within it, symbolic links
followed, and are no addresses of streams, unless that is allowed: a list may come from elsewhere.
"""

import os
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from vosctl.errors import JobsError, MaskError
from vosctl.job.job_entries import REQUIRED, read_entries, show
from vosctl.job.request import MaskAt, parse_mask
from vosctl.masks.frame_names import FrameNames
from vosctl.masks.given import FORMS
from vosctl.media.frame_folder import IMAGE_SUFFIXES, list_images
from vosctl.media.stream_address import clip_path, stream_address

_MASK_SEPARATOR = ";"
_MAX_JOBS = 100_000
_MIN_SIZE, _MAX_SIZE = 32, 1 << 20  # pixels


@dataclass(frozen=True)
class Job:
    """One entry of a list."""

    clip: Path
    masks: tuple[MaskAt, ...]
    output: Path | None
    """None: where the command line says."""
    model: str | None
    max_size: int | None
    where: str
    """The entry, for messages: `jobs.csv line 3`."""


def read_jobs(path: Path, allow_outside: bool = False) -> list[Job]:
    """Read a list of jobs; `.json` is JSON, all else CSV with a header.

    Args:
        path: of the list.
        allow_outside: let it name paths outside its own folder.

    Raises:
        JobsError: the list cannot be read, or an entry is not what it must be.
    """
    entries = list(islice(read_entries(path), _MAX_JOBS + 1))
    if len(entries) > _MAX_JOBS:  # before their paths are looked up, which takes its time
        raise JobsError(f"{path}: holds more than {_MAX_JOBS} jobs; split it")
    folder = path.parent
    try:
        root = folder.resolve()
    except (OSError, RuntimeError) as error:
        raise JobsError(f"{path}: its folder cannot be found: {error}") from None
    jobs = [_Entry(where, entry, folder, None if allow_outside else root).job() for where, entry in entries]
    if not jobs:
        raise JobsError(f"{path}: holds no job; expected entries with {' and '.join(REQUIRED)}")
    check_outputs((job.output, job.where) for job in jobs if job.output)
    return jobs


def check_outputs(outputs: Iterable[tuple[Path, str]]) -> None:
    """Make sure that no job's results go where another's go, or into a folder of another's.

    Args:
        outputs: each job's output, and what to call the job in a message.

    Raises:
        JobsError: two outputs meet.
    """
    owners: dict[str, str] = {}
    for output, where in outputs:
        real = os.path.realpath(output)
        if real in owners:
            raise JobsError(f"{where}: {output} is the output of {owners[real]} too; give each its own")
        owners[real] = where
    for real, where in owners.items():
        for parent in map(str, Path(real).parents):
            if parent in owners:
                raise JobsError(f"{where}: its output lies in that of {owners[parent]}; give each its own")


def find_masks(clip: Path, name: str, folder: Path, is_part: bool = False) -> tuple[MaskAt, ...]:
    """The masks of a clip in a folder of masks: `NAME.png`, or `NAME/FRAME.png` with frame numbers.

    In place of PNG any form may stand that masks are read in, such as `NAME.json`.

    Args:
        clip: for messages.
        name: of the clip, without suffix.
        folder: to look in.
        is_part: a part of the clip is asked for, so that frames are known by their names alone.

    Raises:
        MaskError: there is none, or it is not clear which.
    """
    several = folder / name
    if not folder.is_dir():
        raise MaskError(f"{folder} is no folder; expected masks such as {several}.png")
    singles = _files_of(name, folder)
    if len(singles) > 1 or (singles and several.is_dir()):
        one, other = [*singles, several][:2]
        raise MaskError(f"{clip}: there are both {one} and {other}; remove one")
    if singles:
        return (MaskAt(0, singles[0]),)
    if not several.is_dir():
        raise MaskError(
            f"{clip}: no mask in {folder}; expected {name}.png, or {name}/00000.png, ... "
            "(or .json, .xml, .zip, .npy, .mp4)"
        )
    if any(path.suffix.lower() == ".json" for path in several.iterdir()) and not list_images(several):
        return (MaskAt(0, several),)  # files of annotations, which name their frames
    masks, names = [], FrameNames(clip)
    files = [path for path in several.iterdir() if path.suffix.lower() == ".npy" and path.name[0] != "."]
    for path in [*list_images(several), *sorted(files)]:
        if is_part:
            masks.append(MaskAt(path.stem, path))
            continue
        masks.append(MaskAt(names.index_of(path.stem, path), path, is_index=clip.is_dir()))
    if not masks:
        raise MaskError(f"{several} holds no mask; expected images such as 00000.png")
    return tuple(masks)


def _files_of(name: str, folder: Path) -> list[Path]:
    """The files in a folder that hold masks of the clip of a name, in whatever form."""
    known = {*IMAGE_SUFFIXES, *FORMS, ".gif"} - {".txt"}
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.stem == name and path.suffix.lower() in known
    )


@dataclass(frozen=True)
class _Entry:
    where: str
    values: Mapping[str, Any]
    folder: Path
    root: Path | None
    """What paths must lie in; None where they may lie anywhere."""

    def job(self) -> Job:
        for name in REQUIRED:
            if name not in self.values:
                raise JobsError(f"{self.where}: no {name}; expected a {name} for each job")
        clip = self._clip()
        masks = tuple(self._masks())
        output = self._path("output", self.values["output"]) if "output" in self.values else None
        if output and any(
            os.path.realpath(output) == os.path.realpath(one) for one in (clip, *(m.path for m in masks))
        ):
            raise JobsError(f"{self.where}: {output} is both given and the output; name another output")
        return Job(clip, masks, output, self._model(), self._max_size(), self.where)

    def _clip(self) -> Path:
        clip = clip_path(self._text("clip", self.values["clip"]))
        try:
            address = stream_address(clip)
        except OSError:  # a name too long: none of an address
            address = None
        if not (address and address.url):
            return self._path("clip", self.values["clip"])
        if self.root is not None:
            raise JobsError(
                f"{self.where}: clip {show(address.name)} is no file; use --allow-outside if you trust "
                "this list"
            )
        return clip

    def _masks(self) -> Iterator[MaskAt]:
        value = self.values["mask"]
        texts = value
        if isinstance(value, str):
            texts = [text.strip() for text in value.split(_MASK_SEPARATOR) if text.strip()]
        if not isinstance(texts, list) or not texts:
            raise JobsError(f'{self.where}: mask is {show(value)}, expected "FILE" or ["FILE", "60=FILE"]')
        seen = set()
        for text in texts:
            frame, path, _ = parse_mask(self._text("mask", text))
            if frame in seen:
                raise JobsError(
                    f"{self.where}: a second mask for frame {frame}; write FRAME=FILE for another"
                )
            seen.add(frame)
            yield MaskAt(frame, self._path("mask", str(path)))

    def _model(self) -> str | None:
        if "model" not in self.values:
            return None
        name = self._text("model", self.values["model"])
        is_file = name != Path(name).name or name.endswith(".pt")
        return str(self._path("model", name)) if is_file else name

    def _max_size(self) -> int | None:
        value = self.values.get("max-size")
        if value is None:
            return None
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 9:
            value = int(value)
        if type(value) is not int or not _MIN_SIZE <= value <= _MAX_SIZE:
            raise JobsError(
                f"{self.where}: max-size is {show(value)}, expected pixels, {_MIN_SIZE} to {_MAX_SIZE}"
            )
        return value

    def _text(self, name: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise JobsError(f"{self.where}: {name} is {show(value)}, expected text")
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
            raise JobsError(f"{self.where}: {name} {show(value)} holds a control character; remove it")
        return value

    def _path(self, name: str, value: object) -> Path:
        path = self.folder / self._text(name, value)
        if self.root is None:
            return path
        try:
            inside = path.resolve().is_relative_to(self.root)
        except (OSError, RuntimeError, ValueError) as error:  # a link to itself, a name too long
            raise JobsError(f"{self.where}: {name} {show(value)} cannot be found: {error}") from None
        if not inside:
            raise JobsError(
                f"{self.where}: {name} {show(value)} lies outside {self.folder}; move it there, "
                "or use --allow-outside if you trust this list"
            )
        return path
