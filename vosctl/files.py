"""Files that are written whole or not at all, and the one reader of JSON."""

import errno
import itertools
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Any, NamedTuple, Self

from vosctl.errors import OutputError

_ADVICE = {
    errno.ENOSPC: "no space is left on the disk; free some or choose another disk",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another disk",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.EACCES: "there is no permission to write there; choose another folder",
    errno.EPERM: "there is no permission to write there; choose another folder",
    errno.ENOENT: "the folder does not exist; create it first",
    errno.ENOTDIR: "a part of this path is a file, not a folder; choose another folder",
    errno.EISDIR: "a folder of this name is in the way; choose another name",
    errno.EEXIST: "a file of this name is in the way; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}

_DEEPEST = 50  # objects and lists within each other
_DIGITS = 20  # of whole numbers: 64 bits and a sign
_serial = itertools.count()
_STEM = 64  # letters of a result's name that its temporary file's has
_TEMPORARY = re.compile(r"\.(.*)\.part\d+-\d+(\.[^.]*)?")


def output_error(path: Path, error: OSError) -> OutputError:
    """Says in one line why `path` could not be written and what to do about it."""
    reason = _ADVICE.get(error.errno or 0) or error.strerror or str(error)
    return OutputError(f"{path} cannot be written: {reason}")


def make_folder(path: Path) -> None:
    """Makes a folder where it is missing.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(path, error) from error


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path` to write to, and renames it to `path` at the end.

    The temporary name keeps the suffix, by which encoders choose their container. If the body raises,
    the temporary file is removed and whatever was at `path` before is untouched. The body should do nothing
    but write: every `OSError` in it is taken to concern the output.

    Raises:
        OutputError: the file cannot be written (no space, no permission, no such folder, ...).
    """
    stem, suffix = _kept_of(path.name)
    temporary = path.with_name(f".{stem}.part{os.getpid()}-{next(_serial)}{suffix}")
    try:
        # Both would otherwise come to light only at the end, after all the work.
        if path.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not path.parent.is_dir():
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        with suppress(OSError):  # what the body met matters more
            temporary.unlink(missing_ok=True)


class Temporary(NamedTuple):
    """What the name of a temporary file of `atomic_path` tells."""

    kept: tuple[str, str]
    """What it has of its result's name: the first letters of the stem, and the suffix."""

    @classmethod
    def of(cls, name: str) -> Self | None:
        """What a file's name tells; None where it is no temporary file's."""
        match = _TEMPORARY.fullmatch(name)
        return cls((match[1], match[2] or "")) if match else None

    def may_become(self, result: str) -> bool:
        """Whether it may be a file on its way to this name."""
        return self.kept == _kept_of(result)


def _kept_of(name: str) -> tuple[str, str]:
    """What a temporary name has of a result's name, so that it is not too long."""
    return PurePath(name).stem[:_STEM], PurePath(name).suffix


def json_text(content: object, indent: int | None = None) -> str:
    """Plain data as JSON; numbers that are not finite, which JSON does not have, become null."""
    return json.dumps(_with_null(content), indent=indent, allow_nan=False)


def _with_null(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _with_null(one) for key, one in value.items()}
    return [_with_null(one) for one in value] if isinstance(value, list | tuple) else value


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes plain data, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(json_text(content, indent=2) + "\n", encoding="utf-8")


def parse_json(text: str | bytes) -> Any:
    """Plain data from JSON text as `write_json` writes it.

    Raises:
        ValueError: it is not JSON, is no UTF-8, is nested too deeply, or holds a number that is none or that
            no float can hold; one line says which.
    """
    try:
        content = json.loads(
            text if isinstance(text, str) else text.decode("utf-8"),
            parse_constant=_refuse_number,
            parse_float=_finite,
            parse_int=_moderate,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _refuse_depth(content)
    return content


def read_json(path: Path, advice: str) -> Any:
    """Plain data from a file that `write_json` wrote.

    Args:
        path: of the file.
        advice: what to do where it is damaged; stands at the end of the message.

    Raises:
        OutputError: it cannot be read, or does not hold what `parse_json` takes.
    """
    try:
        return parse_json(path.read_bytes())
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    except ValueError as error:
        raise OutputError(f"{path} is damaged: {error}; {advice}") from error


def _refuse_depth(content: Any) -> None:
    """Refuses what could be read, but neither copied nor written again by a function that calls itself."""
    level = [content]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    if level:
        raise ValueError("it is nested too deeply")


def _refuse_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def _moderate(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"the number {text[:20]}... has {len(text)} digits")
    return int(text)
