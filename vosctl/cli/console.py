r"""Everything said to people goes to standard error; standard output is for results.

Names of files may hold control characters, which would move the cursor, recolour the terminal or forge a
line. None of them reaches a terminal as it is: here, in one place, they become `\x1b` and the like.
"""

import re
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment

# Control characters but for line breaks and tabs, those that turn the direction of writing, and surrogates,
# which stand for the bytes of a name that is no text.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """The text with its control characters escaped."""
    return _CONTROLS.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # Python's form of a byte that is no text
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class _SafeConsole(Console):
    """Escapes what it is given to print; the codes that it writes itself, for colours, come later."""

    _log: "_SafeConsole | None" = None  # a file that gets everything too

    def log_to(self, path: Path | None) -> None:
        """From now on also writes to the end of a file; None ends that.

        Raises:
            OSError: it cannot be opened.
        """
        if self._log is not None:
            self._log.file.close()
            self._log = None
        if path is not None:
            file = path.open("a", encoding="utf-8", errors="replace", buffering=1)
            self._log = _SafeConsole(file=file, highlight=False, soft_wrap=True, width=_RESULT_WIDTH)

    def print(self, *objects: Any, **options: Any) -> None:
        """Does what `Console` says, in the file too."""
        super().print(*objects, **options)
        self._note(*objects, **options)

    def log(self, *objects: Any, **_: Any) -> None:
        """Writes to the file alone, where there is one."""
        self._note(*objects, markup=False)

    def _note(self, *objects: Any, **options: Any) -> None:
        if self._log is not None:
            now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
            Console.print(self._log, now, *objects, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Does what `Console` says."""
        for segment in super().render(renderable, options):
            if segment.control or not _CONTROLS.search(segment.text):
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


_RESULT_WIDTH = 120  # of tables that go to a file or a pipe, where there is no terminal to fit

console = _SafeConsole(stderr=True, highlight=False, soft_wrap=True)


def result_console() -> Console:
    """Standard output, which is for results; brackets in them are brackets."""
    out = _SafeConsole(highlight=False, markup=False)
    return out if out.is_terminal else _SafeConsole(highlight=False, markup=False, width=_RESULT_WIDTH)


def print_result(what: RenderableType, *, soft_wrap: bool = False) -> None:
    """Print a result for people to standard output; with `soft_wrap` no line is broken or cut."""
    result_console().print(what, soft_wrap=soft_wrap)


def print_line(line: object) -> None:
    """Print one line for programs to standard output: what they get is as it is, a terminal's is escaped."""
    text = str(line)
    typer.echo(visible(text) if sys.stdout.isatty() else text)


def progress_bar(
    beside: str, quiet: bool, clock: type[ProgressColumn] = TimeRemainingColumn, draws: bool = True
) -> Progress:
    """A bar that disappears when the work is done; there is none where nobody looks.

    `draws` is False where progress is told otherwise. Its columns are the name of the work, how far it is,
    `beside` (a format of the task), and the time.
    """
    description = TextColumn("{task.description}", markup=False)  # a clip's name, perhaps with brackets
    columns = (description, BarColumn(), MofNCompleteColumn(), TextColumn(beside), clock())
    return Progress(
        *columns, console=console, transient=True, disable=quiet or not console.is_terminal or not draws
    )
