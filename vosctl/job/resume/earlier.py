"""Results of an earlier run that a new one writes over: those that it does not replace go when it has ended.

These are files that the earlier run's record and log name, and that nobody has changed since. A stream's run
leaves no record, but a list of its results.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from vosctl.errors import OutputError, VosctlError
from vosctl.files import make_folder, output_error, read_json, write_json
from vosctl.job.frame_log import LogPlace, read_frame_log
from vosctl.job.resume.folder import RunFolder
from vosctl.job.resume.record import Record
from vosctl.masks.formats import find_format, places
from vosctl.masks.spec import Format

_SLACK = 1_000_000_000  # nanoseconds; where a run was killed, masks are written a little after the log


def begin_over(folder: RunFolder) -> None:
    """Clear a run's folder but for a list of its results, by which `remove_earlier` knows them again.

    Raises:
        OutputError: the folder cannot be cleared or written.
    """
    found = _listed(folder)  # a stream's, or of runs before that where the last one did not end
    try:
        record = Record.read(folder.record)
        formats = [find_format(name) for name in record.request["formats"]]
        written = _stamps(folder, places(formats, folder.output), folder.log)
        ended = max(path.stat().st_mtime_ns for path in (folder.record, folder.log)) + _SLACK
        found |= {name: stamp for name, stamp in written.items() if stamp[1] <= ended}
    except (VosctlError, KeyError, TypeError, AttributeError):
        pass  # no record, or none that can be trusted
    folder.clear()
    _write_list(folder, found)


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


def end_stream(folder: RunFolder, results: Mapping[Path, Format], log: LogPlace | None) -> None:
    """Remove what a stream's run has not replaced, and list what it has written, for the next.

    Args:
        folder: its folder.
        results: what it has written, and where.
        log: of its frames; without one nothing is listed.

    Raises:
        OutputError: a file cannot be removed, or the list cannot be written.
    """
    remove_earlier(folder)
    if log and not (isinstance(log, Path) and not log.is_file()):
        _write_list(folder, _stamps(folder, results, log))


def _stamps(folder: RunFolder, results: Mapping[Path, Format], log: LogPlace) -> dict[str, list[int]]:
    """The files that a run has written, and what tells whether they are still the same."""
    stems = {entry.name for entry in read_frame_log(log)}
    found = {}
    for place, form in results.items():
        paths = (p for p in place.glob(form.pattern) if p.stem in stems) if form.is_folder else (place,)
        for path in paths:
            if path.is_file():  # not a pipe
                found[str(path.relative_to(folder.path.parent))] = _stamp(path)
    return found


def _stamp(path: Path) -> list[int]:
    """What changes when a file is replaced or written to."""
    status = path.lstat()
    return [status.st_ino, status.st_mtime_ns]


def _write_list(folder: RunFolder, found: Mapping[str, list[int]]) -> None:
    if found:
        make_folder(folder.path)
        write_json(folder.earlier, found)


def _listed(folder: RunFolder) -> dict[str, list[int]]:
    """What the list names; nothing where there is none.

    Raises:
        OutputError: it is damaged, so that nobody knows what is to go.
    """
    if not folder.earlier.exists():
        return {}
    advice = "remove it, and what an earlier run has left beside it"
    found = read_json(folder.earlier, advice)
    if not isinstance(found, dict) or any("\0" in name for name in found):
        raise OutputError(f"{folder.earlier} is damaged: it is no list of files; {advice}")
    return found
