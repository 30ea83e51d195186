"""The entries of a list of jobs, CSV or JSON: their columns are known ones, their values not checked yet."""

import csv
import io
import json
import reprlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vosctl.errors import JobsError
from vosctl.suggestion import suggestion

COLUMNS = ("clip", "mask", "output", "model", "max-size")
REQUIRED = ("clip", "mask")
_SEPARATORS = ",;\t"  # spreadsheets write any of them
_MAX_BYTES = 16 << 20
_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxlong, _REPR.maxother = 2, 60, 60, 60


def read_entries(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of a list; `.json` is JSON, all else CSV with a header.

    Yields:
        Where the entry stands, for messages (`jobs.csv line 3`), and its values by column; a value that is
        empty is left out.

    Raises:
        JobsError: the list cannot be read, or names a column that is not known.
    """
    text = _read_text(path)
    return _json_entries(text, path) if path.suffix.lower() == ".json" else _csv_entries(text, path)


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
    missing = [name for name in REQUIRED if name not in columns]
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
    raise JobsError(f"{where}: {show(name)} is not known; {suggestion(known, COLUMNS)}")


def _json_entries(text: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    def no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entry = dict(pairs)
        if len(entry) < len(pairs):
            raise JobsError(f"{path}: a key stands twice in {show(entry)}; remove one")
        return entry

    try:
        content = json.loads(text, object_pairs_hook=no_key_twice)
    except json.JSONDecodeError as error:
        raise JobsError(f"{path} line {error.lineno}: not JSON ({error.msg}, column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise JobsError(f"{path}: not JSON that can be read ({error})") from None
    if not isinstance(content, list):
        raise JobsError(f'{path}: found {show(content)}, expected a list [{{"clip": ..., "mask": ...}}, ...]')
    for number, entry in enumerate(content, 1):
        where = f"{path} entry {number}"
        if not isinstance(entry, dict):
            raise JobsError(f'{where}: found {show(entry)}, expected {{"clip": ..., "mask": ...}}')
        columns = [_column(name, where) for name in entry]
        _refuse_twice(columns, where)
        values = zip(columns, entry.values(), strict=True)
        yield where, {column: value for column, value in values if value is not None and value != ""}


def show(value: object) -> str:
    """A value as a message shows it: short, on one line."""
    return _REPR.repr(value)
