"""What to say of an exception that no part of vosctl foresaw: one line, and the exit code."""

import errno
import re
import tempfile

_FAULT = 70
_REFUSED = 2

_NO_MEMORY = re.compile(r"(allocate|enough|out of) memory|start new thread|bad_alloc", re.IGNORECASE)
"""The words of PyTorch, of the dynamic linker and of Python where memory runs out."""


def describe(error: Exception) -> tuple[str, int]:
    """The line, and the exit code: 2 where the machine or what was given is the cause, else 70."""
    if _lacks_memory(error):
        return (
            "there is not enough memory; end other programs, or use --max-size, fewer objects or fewer "
            f"--jobs-at-once ({_in_words(error).splitlines()[0]})"
        ), _REFUSED
    if isinstance(error, OSError):
        if error.filename:  # a name too long, a folder that may not be entered
            return f"{error.filename}: {error.strerror}; check the path and its permissions", _REFUSED
        if not _has_temporary_folder():
            return ("no folder for temporary files can be written; set TMPDIR to one that can"), _REFUSED
    return (
        f"{_in_words(error)}: a fault of vosctl; vosctl --debug COMMAND ... tells more, for a report",
        _FAULT,
    )


def _lacks_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError | ImportError) and bool(_NO_MEMORY.search(str(error)))


def _has_temporary_folder() -> bool:
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        return False
    return True


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
