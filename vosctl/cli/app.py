"""The `vosctl` command: its subcommands, and the only place where errors become lines and exit codes."""

import sys
from typing import Annotated, Any

import typer
from rich.markup import escape

from vosctl import __version__
from vosctl.cli.console import console
from vosctl.cli.results import result
from vosctl.errors import VosctlError

EXIT_CODES = """Exit codes: 0 done; 1 some of several jobs failed; 2 something given does not work;
3 the clip breaks off, what came before is kept; 130 interrupted."""

_INTERRUPTED = 130

# The base of what typer raises for a wrong command line: of click, or of its own copy of click, which newer
# ones have. It is exported from neither.
_ParserError: Any = typer.BadParameter.__bases__[0]

app = typer.Typer(
    name="vosctl",
    help="Segment the objects of a video from a mask of its first frame.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"vosctl {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Segment the objects of a video from a mask of its first frame."""


def _add_commands() -> None:
    from vosctl.cli import benchmark, convert, demo, inspect, overlay, segment, train, weights

    app.command(epilog=EXIT_CODES)(segment.segment)
    app.command(epilog=EXIT_CODES)(overlay.overlay)
    app.command(epilog=EXIT_CODES)(convert.convert)
    app.command(epilog=EXIT_CODES)(inspect.inspect)
    app.command(epilog=EXIT_CODES)(benchmark.benchmark)
    app.command()(demo.demo)
    app.command()(train.train)
    app.add_typer(weights.app, name="weights")


_add_commands()


def main() -> None:
    """Run the command and end the process with its exit code."""
    result.clear()
    message: str | None = None
    try:
        code = app(standalone_mode=False)  # typer returns the code of an Exit, and of Ctrl-C
    except (typer.Abort, KeyboardInterrupt):  # typer before 0.20 raises for Ctrl-C
        code = _INTERRUPTED
    except _ParserError as error:
        message, code = f"{error.format_message()} (--help tells more)", 2
    except VosctlError as error:
        message, code = " ".join(str(error).split()), error.exit_code
    if code == _INTERRUPTED:
        message = "interrupted"
        console.print("interrupted: every file written so far is whole; to run again use --overwrite")
    elif message:
        console.print(f"[bold red]error:[/] {escape(message)}")
    if "--json" in sys.argv:  # asked for, even if the command line could not be understood
        result.print(code or 0, message)
    sys.exit(code or 0)
