"""The `vosctl` command: its subcommands, and the only place where errors become lines and exit codes."""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Annotated

import typer
from rich.markup import escape

from vosctl import __version__
from vosctl.cli import config
from vosctl.cli.console import console
from vosctl.cli.json_output import json_result
from vosctl.cli.parser_errors import ParserError, message_of
from vosctl.errors import InterruptedRunError, VosctlError

EXIT_CODES = (
    "Exit codes: 0 done; 1 some of several jobs failed; 2 something given does not work; 3 the clip breaks "
    "off, what came before is kept; 4 ended by --stop-when-lost; 70 a fault of vosctl itself; "
    "130 interrupted."
)

_FAULT = 70
_INTERRUPTED = 130

_debugs = False  # known while the command line is read, needed when all is over

app = typer.Typer(
    name="vosctl",
    help="Segment the objects of a video from a mask of its first frame.",
    epilog=f"vosctl help TOPIC explains masks, formats, corrections and more.\n\n{EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"vosctl {__version__}")
        raise typer.Exit


def _debug(asked: bool) -> None:
    global _debugs
    _debugs = asked


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            callback=_debug,
            is_eager=True,
            help="With an error, also print where in vosctl it came up, for a report.",
            envvar="VOSCTL_DEBUG",
        ),
    ] = False,
) -> None:
    """Segment the objects of a video from a mask of its first frame."""
    if context.invoked_subcommand not in (None, "help"):
        context.default_map = config.default_map(context)


def _add_commands() -> None:
    from vosctl.cli import (
        benchmark,
        convert,
        demo,
        help_topics,
        inspect,
        mask,
        overlay,
        segment,
        train,
        weights,
    )

    def add(function: Callable[..., None], panel: str, name: str | None = None) -> None:
        app.command(name, epilog=EXIT_CODES, rich_help_panel=panel)(function)

    add(mask.mask, "Masks")
    add(segment.segment, "Masks")
    add(overlay.overlay, "Masks")
    add(convert.convert, "Masks")
    add(inspect.inspect, "Masks")
    add(demo.demo, "Masks")
    add(benchmark.benchmark, "Models")
    add(train.train, "Models")
    for command in weights.app.registered_commands:
        command.epilog = EXIT_CODES
    app.add_typer(weights.app, name="weights", epilog=EXIT_CODES, rich_help_panel="Models")
    add(config.config, "Help")
    add(help_topics.show_topic, "Help", "help")


_add_commands()


def main() -> None:
    """Run the command and end the process with its exit code."""
    json_result.clear()
    message: str | None = None
    label = "error"
    try:
        # typer returns the code of an Exit, and of Ctrl-C
        code = app(prog_name="vosctl", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):  # typer before 0.20 raises for Ctrl-C
        code = _INTERRUPTED
    except VosctlError as error:
        message, code, label = str(error), error.exit_code, error.label
        _tell_where()
    except Exception as error:  # noqa: BLE001 (nobody else would say it in one line)
        if isinstance(error, ParserError):
            message, code = f"{message_of(error)} (--help tells more)", 2
        else:
            message, code = _unforeseen(error)
            _tell_where()
    if code == _INTERRUPTED and not message:
        interrupted = InterruptedRunError("to run again use --overwrite")
        message, label = str(interrupted), interrupted.label
    if message:
        message = " ".join(message.split())  # names may hold newlines
        console.print(f"[bold red]{label}:[/] {escape(message)}")
    if "--json" in sys.argv:  # asked for, even if the command line could not be understood
        try:
            json_result.print(code or 0, message)
        except BrokenPipeError:  # whoever read it has had enough: what is left for it goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code or 0)


def _tell_where() -> None:
    if _debugs:
        traceback.print_exc()


def _unforeseen(error: Exception) -> tuple[str, int]:
    """What to say of it, and the exit code."""
    if isinstance(error, OSError) and error.filename:  # a name too long, a folder that may not be entered
        return f"{error.filename}: {error.strerror}; check the path and its permissions", 2
    fault = f"{type(error).__name__}: {error}"
    return f"{fault}: a fault of vosctl; vosctl --debug COMMAND ... tells more, for a report", _FAULT
