"""Where one stream of bytes goes: a file that appears when it is whole, a pipe, or standard output."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from vosctl.errors import ClosedPipeError, OutputError
from vosctl.files import atomic_path, output_error

STANDARD_OUTPUT = Path("-")


def is_pipe(path: Path) -> bool:
    """Whether what is written to `path` flows on: standard output, a named pipe, or a device."""
    return path == STANDARD_OUTPUT or path.is_fifo() or path.is_char_device()


def refuse_terminal(path: Path) -> None:
    """Makes sure that bytes, which no one can read, do not go to a terminal.

    Raises:
        OutputError: standard output, or the device at `path`, is one.
    """
    if path == STANDARD_OUTPUT and os.isatty(1):
        raise OutputError(
            "standard output is a terminal, and the result is binary; send it on with | COMMAND or > FILE"
        )
    if path.is_char_device():
        with path.open("rb") as device:
            if device.isatty():
                raise OutputError(f"{path} is a terminal, and the result is binary; name a file or a pipe")


class Sink(Protocol):
    """What takes bytes; FFmpeg's wrapper takes it for a file."""

    def write(self, data: bytes) -> int:
        """Writes all bytes and returns their number."""


class _Pipe:
    """Hands bytes on at once. After its reader has gone, it takes them and drops them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed = False
        is_stdout = path == STANDARD_OUTPUT
        self._file = os.dup(1) if is_stdout else os.open(path, os.O_WRONLY)

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        while rest and not self._closed:
            try:
                rest = rest[os.write(self._file, rest) :]
            except BrokenPipeError:
                self._closed = True
                name = "standard output" if self._path == STANDARD_OUTPUT else self._path
                raise ClosedPipeError(f"{name} was closed by its reader") from None
            except OSError as error:
                raise output_error(self._path, error) from error
        return len(data)

    def close(self) -> None:
        os.close(self._file)


@contextmanager
def open_sink(path: Path) -> Iterator[Sink]:
    """Opens a place for bytes; a file is whole or not there at all.

    Raises:
        ClosedPipeError: the pipe's reader has gone; raised once, later bytes are dropped.
        OutputError: it cannot be written, or is a terminal.
    """
    refuse_terminal(path)
    if not is_pipe(path):
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            yield file
        return
    try:
        pipe = _Pipe(path)
    except OSError as error:
        raise output_error(path, error) from error
    try:
        yield pipe
    finally:
        pipe.close()
