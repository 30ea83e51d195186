"""The `vosctl` command: its subcommands, and the only place where errors become lines and exit codes."""

import sys
from typing import Annotated

import typer

from vosctl import __version__
from vosctl.cli.console import console
from vosctl.errors import VosctlError

EXIT_CODES = """Exit codes: 0 done; 1 some of several jobs failed; 2 something given does not work;
3 the clip breaks off, what came before is kept; 130 interrupted."""

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
    from vosctl.cli import demo, overlay, segment, weights

    app.command(epilog=EXIT_CODES)(segment.segment)
    app.command(epilog=EXIT_CODES)(overlay.overlay)
    app.command()(demo.demo)
    app.add_typer(weights.app, name="weights")


_add_commands()


def main() -> None:
    """Run the command and end the process with its exit code."""
    try:
        app(standalone_mode=False)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        console.print("interrupted; files that were written are whole")
        sys.exit(130)
    except VosctlError as error:
        console.print(f"[bold red]error:[/] {_escape(error)}")
        sys.exit(error.exit_code)


def _escape(error: VosctlError) -> str:
    from rich.markup import escape

    return escape(" ".join(str(error).split()))
