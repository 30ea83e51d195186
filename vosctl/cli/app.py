"""The `vosctl` command: its subcommands, and the only place where errors become lines and exit codes."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.markup import escape

from vosctl.cli import config, faults
from vosctl.cli.console import console
from vosctl.cli.ending import ending
from vosctl.cli.json_output import json_result
from vosctl.cli.parser_errors import ParserError, message_of
from vosctl.cli.reporting import reporting
from vosctl.cli.standard_streams import drop_rest
from vosctl.errors import ClosedOutputError, InterruptedRunError, OutputError, VosctlError
from vosctl.version import __version__

EXIT_CODES = (
    "Exit codes: 0 done; 1 some of several jobs failed; 2 something given does not work; 3 the clip breaks "
    "off, what came before is kept; 4 ended by --stop-when-lost; 70 a fault of vosctl itself; "
    "130 interrupted; 129, 143 ended by the signal HUP or TERM; 141 standard output was closed by its reader."
)

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
        doctor,
        help_topics,
        inspect,
        mask,
        overlay,
        reproduce,
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
    add(reproduce.reproduce, "Models")
    add(train.train, "Models")
    for command in weights.app.registered_commands:
        command.epilog = EXIT_CODES
    app.add_typer(weights.app, name="weights", epilog=EXIT_CODES, rich_help_panel="Models")
    add(doctor.doctor, "Help")
    add(config.config, "Help")
    add(help_topics.show_topic, "Help", "help")


_add_commands()


@dataclass(frozen=True)
class _End:
    """How a command ended."""

    code: int = 0
    message: str | None = None
    label: str = "error"
    """The line that tells the message begins with it."""


def main() -> None:
    """Run the command and end the process with its exit code."""
    json_result.clear()
    reporting.reset()
    end = _run()
    message = " ".join(end.message.split()) if end.message else None  # names may hold newlines
    if "--json" in sys.argv:  # asked for, even if the command line could not be understood
        try:
            json_result.print(end.code, message)
        except ClosedOutputError:
            pass  # the command has done its work, whose code stays
        except OutputError as error:
            end, message = _End(error.exit_code, message, end.label), message or str(error)
    if message:
        console.print(f"[bold red]{end.label}:[/] {escape(message)}")
    drop_rest()
    ending.end(end.code)
    sys.exit(end.code)


def _run() -> _End:
    """Run the command; whatever ends it becomes an exit code and perhaps one line."""
    try:
        # typer returns the code of an Exit, and of Ctrl-C
        code = app(prog_name="vosctl", standalone_mode=False) or 0
        sys.stdout.flush()  # now, when an error can still be told
    except (typer.Abort, KeyboardInterrupt):  # typer before 0.20 raises for Ctrl-C
        return _interrupted()
    except ClosedOutputError as error:
        return _End(error.exit_code)
    except InterruptedRunError as error:
        _tell_where()
        return _End(ending.exit_code, str(error), ending.label)
    except VosctlError as error:
        _tell_where()
        return _End(error.exit_code, str(error), error.label)
    except Exception as error:  # noqa: BLE001 (nobody else would say it in one line)
        if ending.has_come:  # a library made it of the KeyboardInterrupt that came while it was imported
            return _interrupted()
        if isinstance(error, ParserError):
            return _End(2, f"{message_of(error)} (--help tells more)")
        _tell_where()
        message, code = faults.describe(error)
        return _End(code, message)
    return _interrupted() if code == _INTERRUPTED else _End(code)


def _interrupted() -> _End:
    message = str(InterruptedRunError("to run again use --overwrite"))
    return _End(ending.exit_code, message, ending.label)


def _tell_where() -> None:
    if _debugs:
        console.print(traceback.format_exc().rstrip(), markup=False)
