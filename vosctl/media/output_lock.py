"""One run at a time writes to an output: whoever comes second is refused and told who is at work there.

The lock lies where the output is: `.vosctl.lock` in a folder of results, `.NAME.vosctl.lock` beside a single
file. So it is the same one for every user, container and machine that sees the folder, under whatever path;
one in a user's temporary folder would let two machines of a network folder mix their results. The system
holds it for the process, and lets go when that dies, so that a killed run's lock stands in nobody's way; the
file that it leaves goes with the next run. Beside it lies `.vosctl.holder`, which says who holds it: a lock
that is held cannot be read everywhere. Where a network's file system knows no locks, a warning says so, and
the work goes on.

While it holds the lock, a run also removes the temporary files that a killed one has left of this output:
nobody else is writing them.
"""

import errno
import hashlib
import json
import os
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from vosctl.errors import OutputError
from vosctl.files import Temporary, make_folder, output_error, read_json

_LOCK, _HOLDER = ".vosctl.lock", ".vosctl.holder"
_LONGEST = 200  # bytes of a file's name that leave room for the suffixes above
_DEPTH = 2  # a format's folder, and in it an object's; in a run's folder the states of a pass
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}


def is_of_lock(path: Path) -> bool:
    """Whether a file belongs to a lock, not to anybody's results."""
    return path.name.endswith((_LOCK, _HOLDER))


@contextmanager
def hold_output(path: Path, is_folder: bool, own: Path | None = None) -> Iterator[None]:
    """Keeps others from writing to an output; makes its folder for that, which goes again if it stays empty.

    Args:
        path: of the output.
        is_folder: whether it is a folder of many files.
        own: a further folder that goes with this output, where all temporary files are its own.

    Raises:
        OutputError: another run is at work there, or the lock cannot be written.
    """
    folder = path if is_folder else path.parent
    name = "" if is_folder else f".{_short(path.name)}"
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    make_folder(folder)
    file, holder = folder / f"{name}{_LOCK}", folder / f"{name}{_HOLDER}"
    try:
        lock = _acquire(path, file, holder)
        try:
            _say_who(holder)
            _remove_leftovers(path, is_folder)
            if own is not None:
                _remove_leftovers(own, is_folder=True)
            yield
        finally:
            with suppress(OSError):
                holder.unlink(missing_ok=True)
            if lock:
                with suppress(OSError):  # while it is held: later it may be the next run's
                    file.unlink(missing_ok=True)
                lock.release()
    finally:
        for one in made:
            with suppress(OSError):  # it holds something
                one.rmdir()


def _short(name: str) -> str:
    if len(os.fsencode(name)) <= _LONGEST:
        return name
    return hashlib.sha256(os.fsencode(name)).hexdigest()


def _acquire(path: Path, file: Path, holder: Path) -> FileLock | None:
    """The lock; None where the file system has none.

    Raises:
        OutputError: another run has it, or it cannot be written.
    """
    try:
        return _lock(file)
    except Timeout:
        raise OutputError(
            f"{path} is being written by {_who(holder)}; wait until it has ended, or name another place"
        ) from None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise output_error(file, error) from error
        warnings.warn(
            f"{file.parent}: its file system has no locks; see to it that no second run writes there",
            stacklevel=2,
        )
        return None


def _lock(file: Path) -> FileLock:
    """A lock on the file that is there when it is held: a run that ends removes its own."""
    while True:
        with suppress(FileNotFoundError):
            file.touch()
            before = file.stat()
            lock = FileLock(file, timeout=0, thread_local=False)
            lock.acquire()
            with suppress(FileNotFoundError):
                if os.path.samestat(before, file.stat()):
                    return lock
            lock.release()


def _say_who(holder: Path) -> None:
    try:
        holder.write_text(json.dumps(_about_this_process()), encoding="utf-8")
    except OSError as error:
        raise output_error(holder, error) from error


def _about_this_process() -> dict[str, object]:
    return {
        "process": os.getpid(),
        "machine": socket.gethostname(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]]) if sys.argv else "",
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def _who(holder: Path) -> str:
    """In words, who holds a lock."""
    try:
        found = read_json(holder, "")
        process, machine = int(found["process"]), str(found["machine"])
        command, since = str(found["command"]), str(found["since"])
    except (OutputError, KeyError, TypeError, ValueError):
        return "another run"  # which has not come to saying who it is
    where = f" on {machine}" if machine != socket.gethostname() else ""
    return f"another run, process {process}{where} ({command}, since {since})"


def _remove_leftovers(path: Path, is_folder: bool) -> None:
    """Removes the temporary files of `vosctl.files.atomic_path` that belong to an output.

    Raises:
        OutputError: one cannot be removed.
    """
    for folder, names in _files_of(*((path, _DEPTH) if is_folder else (path.parent, 0))):
        # In a folder of results, single files may be outputs of others: their locks lie beside them.
        others = [name[1 : -len(_LOCK)] for name in names if name.endswith(_LOCK)]
        for name in names:
            temporary = Temporary.of(name)
            if temporary is None:
                continue
            is_others = any(map(temporary.may_become, others))
            if not is_others if is_folder else temporary.may_become(path.name):
                try:
                    (folder / name).unlink(missing_ok=True)
                except OSError as error:
                    raise output_error(folder / name, error) from error


def _files_of(top: Path, depth: int) -> Iterator[tuple[Path, list[str]]]:
    """The folder `top` and those in it, so deep, with the names of their files; no outputs of others."""
    for at, folders, files in os.walk(top):
        folder = Path(at)
        is_deepest = len(folder.relative_to(top).parts) >= depth
        folders[:] = [] if is_deepest else [one for one in folders if not (folder / one / _LOCK).exists()]
        yield folder, files
