"""Everything said to people goes to standard error; standard output is for results."""

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True, highlight=False, soft_wrap=True)

_RESULT_WIDTH = 120  # of tables that go to a file or a pipe, where there is no terminal to fit


def result_console() -> Console:
    """Standard output, which is for results; brackets in them are brackets."""
    out = Console(highlight=False, markup=False)
    return out if out.is_terminal else Console(highlight=False, markup=False, width=_RESULT_WIDTH)


def print_result(what: RenderableType) -> None:
    """To standard output, which is for results."""
    result_console().print(what)


def progress_bar(beside: str, quiet: bool, clock: type[ProgressColumn] = TimeRemainingColumn) -> Progress:
    """A bar that goes when the work is done; none where nobody looks.

    Its columns: what it is of, how far it is, `beside` (a format of the task), and the time.
    """
    description = TextColumn("{task.description}", markup=False)  # a clip's name, perhaps with brackets
    columns = (description, BarColumn(), MofNCompleteColumn(), TextColumn(beside), clock())
    return Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
