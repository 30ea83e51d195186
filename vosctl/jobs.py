"""Lists of clips to segment: `jobs.csv` or `jobs.json`, and masks found by the clips' names.

    clip,mask,output,model,max-size
    a.mp4,a.png,masks/a,,
    b.mp4,first.png;60=later.png,masks/b,,640

    [{"clip": "b.mp4", "mask": ["first.png", "60=later.png"], "output": "masks/b", "max-size": 640}]

`clip` and `mask` are required. Paths are relative to the list's own folder and stay within it, symbolic links
followed, unless that is allowed: a list may come from elsewhere.
"""

import csv
import difflib
import io
import json
import os
import reprlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vosctl.errors import JobsError, MaskError
from vosctl.media.frame_folder import list_images
from vosctl.task import MaskAt, parse_mask

COLUMNS = ("clip", "mask", "output", "model", "max-size")
_REQUIRED = ("clip", "mask")
_SEPARATORS = ",;\t"  # spreadsheets write any of them
_MASK_SEPARATOR = ";"
_MAX_BYTES = 16 << 20
_MAX_JOBS = 100_000
_MIN_SIZE, _MAX_SIZE = 32, 1 << 20  # pixels
_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxlong, _REPR.maxother = 2, 60, 60, 60


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
    text = _read_text(path)
    entries = _json_entries(text, path) if path.suffix.lower() == ".json" else _csv_entries(text, path)
    folder = path.parent
    try:
        root = folder.resolve()
    except (OSError, RuntimeError) as error:
        raise JobsError(f"{path}: its folder cannot be found: {error}") from None
    jobs: list[Job] = []
    for where, entry in entries:
        if len(jobs) == _MAX_JOBS:
            raise JobsError(f"{path}: holds more than {_MAX_JOBS} jobs; split it")
        jobs.append(_Entry(where, entry, folder, None if allow_outside else root).job())
    if not jobs:
        raise JobsError(f"{path}: holds no job; expected entries with {' and '.join(_REQUIRED)}")
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


def find_masks(clip: Path, name: str, folder: Path) -> tuple[MaskAt, ...]:
    """The masks of a clip in a folder of masks: `NAME.png`, or `NAME/FRAME.png` with frame numbers.

    Args:
        clip: for messages.
        name: of the clip, without suffix.
        folder: to look in.

    Raises:
        MaskError: there is none, or it is not clear which.
    """
    single, several = folder / f"{name}.png", folder / name
    if not folder.is_dir():
        raise MaskError(f"{folder} is no folder; expected masks such as {single}")
    if single.is_file() and several.is_dir():
        raise MaskError(f"{clip}: there are both {single} and {several}; remove one")
    if single.is_file():
        return (MaskAt(0, single),)
    if not several.is_dir():
        raise MaskError(f"{clip}: no mask in {folder}; expected {name}.png, or {name}/00000.png, ...")
    masks = []
    for path in list_images(several):
        if not (path.stem.isascii() and path.stem.isdecimal()):
            raise MaskError(f"{path}: expected a frame number as its name, such as {several / '00000.png'}")
        masks.append(MaskAt(int(path.stem), path))
    if not masks:
        raise MaskError(f"{several} holds no mask; expected images such as 00000.png")
    return tuple(masks)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise JobsError(f"{path} cannot be read: {reason}; expected a list of jobs, CSV or JSON") from None
    if len(data) > _MAX_BYTES:
        raise JobsError(f"{path}: larger than {_MAX_BYTES >> 20} MiB, which no list of jobs is; split it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise JobsError(f"{path} line {line}: not UTF-8; save the list as UTF-8 text") from None


def _csv_entries(text: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    header = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=header.count)  # the comma, if none occurs
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    columns: list[str] | None = None
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise JobsError(f"{path} line {reader.line_num}: not CSV ({error}); check its quotes") from None
        where = f"{path} line {reader.line_num}"
        if row is None:
            if columns is None:
                raise JobsError(f"{path} is empty; expected a header such as {','.join(COLUMNS)}")
            return
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if columns is None:
            columns = _columns(row, where)
            continue
        if any(cells[len(columns) :]):
            raise JobsError(
                f"{where}: {len(cells)} values, expected {len(columns)} ({', '.join(columns)}); "
                "put values that hold a separator in quotes"
            )
        yield where, {column: cell for column, cell in zip(columns, cells, strict=False) if cell}


def _columns(header: list[str], where: str) -> list[str]:
    while not header[-1].strip():  # spreadsheets write empty columns at the end
        header = header[:-1]
    columns = [_column(cell.strip(), where) for cell in header]
    _refuse_twice(columns, where)
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise JobsError(
            f"{where}: no column {' and no column '.join(missing)}; expected a header such as "
            f"{','.join(COLUMNS)}"
        )
    return columns


def _refuse_twice(columns: list[str], where: str) -> None:
    for name in COLUMNS:
        if columns.count(name) > 1:
            raise JobsError(f"{where}: {name} is there twice; remove one")


def _column(name: str, where: str) -> str:
    known = name.lower().replace("_", "-")
    if known in COLUMNS:
        return known
    near = difflib.get_close_matches(known, COLUMNS, 1)
    hint = f"did you mean {near[0]}?" if near else f"expected {', '.join(COLUMNS)}"
    raise JobsError(f"{where}: {_show(name)} is not known; {hint}")


def _json_entries(text: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    def no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entry = dict(pairs)
        if len(entry) < len(pairs):
            raise JobsError(f"{path}: a key stands twice in {_show(entry)}; remove one")
        return entry

    try:
        content = json.loads(text, object_pairs_hook=no_key_twice)
    except json.JSONDecodeError as error:
        raise JobsError(f"{path} line {error.lineno}: not JSON ({error.msg}, column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise JobsError(f"{path}: not JSON that can be read ({error})") from None
    if not isinstance(content, list):
        raise JobsError(
            f'{path}: found {_show(content)}, expected a list [{{"clip": ..., "mask": ...}}, ...]'
        )
    for number, entry in enumerate(content, 1):
        where = f"{path} entry {number}"
        if not isinstance(entry, dict):
            raise JobsError(f'{where}: found {_show(entry)}, expected {{"clip": ..., "mask": ...}}')
        columns = [_column(name, where) for name in entry]
        _refuse_twice(columns, where)
        values = zip(columns, entry.values(), strict=True)
        yield where, {column: value for column, value in values if value is not None and value != ""}


@dataclass(frozen=True)
class _Entry:
    where: str
    values: Mapping[str, Any]
    folder: Path
    root: Path | None
    """What paths must lie in; None where they may lie anywhere."""

    def job(self) -> Job:
        for name in _REQUIRED:
            if name not in self.values:
                raise JobsError(f"{self.where}: no {name}; expected a {name} for each job")
        clip = self._path("clip", self.values["clip"])
        masks = tuple(self._masks())
        output = self._path("output", self.values["output"]) if "output" in self.values else None
        if output and any(
            os.path.realpath(output) == os.path.realpath(one) for one in (clip, *(m.path for m in masks))
        ):
            raise JobsError(f"{self.where}: {output} is both given and the output; name another output")
        return Job(clip, masks, output, self._model(), self._max_size(), self.where)

    def _masks(self) -> Iterator[MaskAt]:
        value = self.values["mask"]
        texts = value
        if isinstance(value, str):
            texts = [text.strip() for text in value.split(_MASK_SEPARATOR) if text.strip()]
        if not isinstance(texts, list) or not texts:
            raise JobsError(f'{self.where}: mask is {_show(value)}, expected "FILE" or ["FILE", "60=FILE"]')
        seen = set()
        for text in texts:
            frame, path = parse_mask(self._text("mask", text))
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
                f"{self.where}: max-size is {_show(value)}, expected pixels, {_MIN_SIZE} to {_MAX_SIZE}"
            )
        return value

    def _text(self, name: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise JobsError(f"{self.where}: {name} is {_show(value)}, expected text")
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
            raise JobsError(f"{self.where}: {name} {_show(value)} holds a control character; remove it")
        return value

    def _path(self, name: str, value: object) -> Path:
        path = self.folder / self._text(name, value)
        if self.root is None:
            return path
        try:
            inside = path.resolve().is_relative_to(self.root)
        except (OSError, RuntimeError, ValueError) as error:  # a link to itself, a name too long
            raise JobsError(f"{self.where}: {name} {_show(value)} cannot be found: {error}") from None
        if not inside:
            raise JobsError(
                f"{self.where}: {name} {_show(value)} lies outside {self.folder}; move it there, "
                "or use --allow-outside if you trust this list"
            )
        return path


def _show(value: object) -> str:
    """A value as a message shows it: short, on one line."""
    return _REPR.repr(value)
