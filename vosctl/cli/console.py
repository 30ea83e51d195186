"""Everything said to people goes to standard error; standard output is for results."""

from rich.console import Console, RenderableType

console = Console(stderr=True, highlight=False, soft_wrap=True)

_RESULT_WIDTH = 120  # of tables that go to a file or a pipe, where there is no terminal to fit


def print_result(what: RenderableType) -> None:
    """To standard output, which is for results."""
    out = Console(highlight=False)
    if not out.is_terminal:
        out = Console(highlight=False, width=_RESULT_WIDTH)
    out.print(what)
