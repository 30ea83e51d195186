"""Results of an earlier run that a new one writes over: those that it does not replace go when it has ended.

These are files that the earlier run's record and log name, and that nobody has changed since the new run
began.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vosctl.errors import VosctlError
from vosctl.exports.formats import find_format, places
from vosctl.media.files import make_folder, output_error, write_json
from vosctl.runs.folder import RunFolder
from vosctl.runs.frame_log import read_frame_log
from vosctl.runs.record import Record


def begin_over(folder: RunFolder) -> None:
    """Clear a run's folder but for a list of its results, by which `remove_earlier` knows them again.

    Raises:
        OutputError: the folder cannot be cleared or written.
    """
    found = _listed(folder)  # of runs before that, where the last one did not end
    for path in _results(folder):
        with suppress(FileNotFoundError):
            found[str(path.relative_to(folder.path.parent))] = _stamp(path)
    folder.clear()
    if found:
        make_folder(folder.path)
        write_json(folder.earlier, found)


def remove_earlier(folder: RunFolder) -> None:
    """Remove what the list names and the new run has not replaced, now that all its results are there.

    Raises:
        OutputError: a file cannot be removed.
    """
    base = folder.path.parent.resolve()
    for name, stamp in _listed(folder).items():
        path = base / name
        try:
            # What a link leads to is none of a run's results.
            if _stamp(path) == stamp and path.parent.resolve().is_relative_to(base):
                path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise output_error(path, error) from error
        with suppress(OSError):  # folders that are not empty stay
            os.removedirs(path.parent)
    folder.earlier.unlink(missing_ok=True)


def _results(folder: RunFolder) -> Iterator[Path]:
    """The files that a run has written, where it has left a record."""
    try:
        formats = [find_format(name) for name in Record.read(folder.record).task["formats"]]
        stems = {entry.name for entry in read_frame_log(folder.log)}
        found = places(formats, folder.output)
    except (VosctlError, KeyError, TypeError):
        return
    for place, form in found.items():
        if form.is_folder:
            yield from (path for path in place.glob(form.pattern) if path.stem in stems)
        else:
            yield place


def _stamp(path: Path) -> list[int]:
    """What changes when a file is replaced or written to."""
    status = path.lstat()
    return [status.st_ino, status.st_mtime_ns]


def _listed(folder: RunFolder) -> dict[str, list[int]]:
    try:
        found = json.loads(folder.earlier.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
