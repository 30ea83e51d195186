"""Standard output and standard error, which may be full or have nobody left who reads them."""

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from vosctl.errors import ClosedOutputError, OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Output(io.FileIO):
    """Standard output, whose errors are vosctl's own, so that no library answers them in its way."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.drops = False

    def write(self, data: "ReadableBuffer", /) -> int:
        if self.drops:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError:
            raise ClosedOutputError("standard output was closed by its reader") from None
        except OSError as error:
            raise OutputError(
                f"standard output cannot be written: {error.strerror}; send it elsewhere"
            ) from None


class _Messages(io.FileIO):
    """Standard error. Where it cannot be written there is nobody to tell, so that what is written is lost."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


_output: _Output | None = None


def guard_streams() -> None:
    """Put both streams in place; one that is no file of the system, as a console of Windows, stays as it is.

    What would go to one that is closed is lost.
    """
    global _output
    # At once, or the next file that is opened would get the number of the closed one, and be written to.
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (as long as the process)
    elif _is_file(sys.stdout):
        _output = _Output(sys.stdout.fileno())
        sys.stdout = _text(_output, sys.stdout)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    elif _is_file(sys.stderr):
        sys.stderr = _text(_Messages(sys.stderr.fileno(), "w", closefd=False), sys.stderr)


def drop_rest() -> None:
    """Drop what standard output still holds and nobody takes, so that the process can close in peace."""
    if _output is not None:
        _output.drops = True


def _is_file(stream: TextIO) -> bool:
    if not isinstance(stream, io.TextIOWrapper):
        return False
    return type(getattr(stream.buffer, "raw", stream.buffer)) is io.FileIO


def _text(raw: io.FileIO, like: TextIO) -> io.TextIOWrapper:
    """A text stream on `raw` that buffers and encodes like another one.

    In UTF-8 a file name that is no text goes out as the bytes that it is; in other encodings a character that
    they do not have is escaped.
    """
    assert isinstance(like, io.TextIOWrapper)
    is_utf8 = like.encoding.lower().replace("-", "") == "utf8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=like.encoding,
        errors="surrogateescape" if is_utf8 else "backslashreplace",
        line_buffering=like.line_buffering,
        write_through=like.write_through,
    )
