"""`vosctl config`: what holds and where it comes from; and `vosctl.toml`, the settings of options.

    [segment]
    model = "frtm-rn18"
    max-size = 960

The command line goes before environment variables, these before the file, and the file before defaults. An
option is a setting if it has an environment variable: what one run reads, writes or is allowed to do is none,
nor is `--engine`, as a file in a folder from elsewhere must not name the machines that clips are sent to.

`--json`:

    file       path of the file that is read, or null
    searched   [path]: where one is looked for, in order
    settings   {command: {option: {value, from}}}, from being "default", the name of the environment variable
               or the path of the file; the default of some is null, which stands for what `--help` says
"""

import contextlib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vosctl.cli import options
from vosctl.cli.console import console
from vosctl.cli.json_output import json_result
from vosctl.errors import UsageError
from vosctl.suggestion import suggestion

FILE_NAME = "vosctl.toml"

# Of click, or of typer's own copy of click in newer versions; typer exports neither.
_Context = Any
_Group = Any
_Parameter = Any


def config(
    context: typer.Context,
    command: Annotated[
        str | None,
        typer.Argument(
            metavar="[COMMAND]",
            help="Show all settings of this command, not only those that were changed.",
            show_default=False,
        ),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Show which settings hold, and where they come from: environment, vosctl.toml or default.

    Example: vosctl config segment
    """
    group: _Group = context.find_root().command
    if command:
        _require(command, [name for name, _ in _commands(group)], "command")
    file, values = _read(group, context.find_root())
    found = {
        name: dict(_settings(parameters, values.get(name, {}), file, context.find_root()))
        for name, parameters in _commands(group)
    }
    if as_json:
        chosen = {command: found[command]} if command else found
        searched = [str(path) for path in _searched()]
        json_result.put({"file": str(file) if file else None, "searched": searched, "settings": chosen})
        return
    table = Table("setting", "value", "from", box=None)
    for name, settings in found.items():
        for option, setting in settings.items():
            if name == command or (command is None and setting["from"] != "default"):
                value = "-" if setting["value"] in (None, []) else str(setting["value"])
                table.add_row(f"{name}.{option}", escape(value), escape(setting["from"]))
    Console(soft_wrap=True).print(table if table.row_count else "All settings are at their defaults.")
    places = ", ".join(str(path) for path in _searched())
    console.print(f"file: {file}" if file else f"no file; looked for {places}", markup=False)
    if command is None:
        console.print("vosctl config COMMAND shows the defaults of a command too")


def default_map(context: typer.Context) -> dict[str, dict[str, Any]]:
    """The file's values by command and parameter, as click takes them.

    Raises:
        UsageError: the file cannot be read, or holds what is no setting.
    """
    return _read(context.command, context)[1]


def _searched() -> list[Path]:
    return [Path(FILE_NAME), Path(typer.get_app_dir("vosctl")) / FILE_NAME]


def _read(group: _Group, context: _Context) -> tuple[Path | None, dict[str, dict[str, Any]]]:
    file = next((path for path in _searched() if path.is_file()), None)
    if file is None:
        return None, {}
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}; check its permissions") from None
    except ValueError as error:  # of TOML, or of UTF-8
        raise UsageError(f"{file} is not TOML: {error}") from None
    commands = dict(_commands(group))
    values: dict[str, dict[str, Any]] = {}
    for name, table in content.items():
        _require(name, list(commands), "command", file)
        if not isinstance(table, dict):
            raise UsageError(f"{file}: {name} is {table!r}, expected a table [{name}]")
        known = {_option(parameter): parameter for parameter in commands[name]}
        values[name] = {}
        for key, value in table.items():
            option = key.replace("_", "-")
            _require(option, list(known), "setting", file, f"{name}.")
            values[name][known[option].name] = _checked(
                known[option], value, f"{file}: {name}.{key}", context
            )
    return file, values


def _commands(group: _Group) -> Iterator[tuple[str, list[_Parameter]]]:
    """Each command that has settings, and these."""
    for name, command in sorted(group.commands.items()):
        settings = [parameter for parameter in command.params if parameter.envvar]
        if settings:
            yield name, settings


def _option(parameter: _Parameter) -> str:
    return str(max(parameter.opts, key=len)).lstrip("-")


def _settings(
    parameters: list[_Parameter], values: Mapping[str, Any], file: Path | None, context: _Context
) -> Iterator[tuple[str, dict[str, Any]]]:
    for parameter in parameters:
        value, source = parameter.default, "default"
        if parameter.name in values:
            value, source = values[parameter.name], str(file)
        if text := os.environ.get(parameter.envvar):
            value, source = text.split() if parameter.multiple else text, parameter.envvar
        yield _option(parameter), {"value": _plain(parameter, value, context), "from": source}


def _plain(parameter: _Parameter, value: object, context: _Context) -> object:
    """As JSON holds it; a value that does not work, which the command itself will say, as it is."""
    with contextlib.suppress(typer.BadParameter):
        value = parameter.process_value(context, value)
    if isinstance(value, list | tuple):
        return list(value)
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def _require(name: str, known: list[str], kind: str, file: Path | None = None, prefix: str = "") -> None:
    if name in known:
        return
    where = f"{file}: {prefix}" if file else ""
    raise UsageError(f"{where}{name} is no {kind} that can be set; {suggestion(name, known)}")


def _checked(parameter: _Parameter, value: object, where: str, context: _Context) -> object:
    """The value as click takes it from a command line, after asking it whether it would."""
    many = isinstance(value, list)
    if many and not parameter.multiple:
        raise UsageError(f"{where} is {value!r}, expected one value")
    given = value if isinstance(value, list) else [value]
    for one in given:
        is_flag = bool(getattr(parameter, "is_flag", False))
        if isinstance(one, bool) != is_flag or not isinstance(one, bool | int | float | str):
            expected = "true or false" if is_flag else "text or a number"
            raise UsageError(f"{where} is {value!r}, expected {expected}")
    plain = [one if isinstance(one, bool) else str(one) for one in given]
    found: object = plain if parameter.multiple else plain[0]
    try:
        parameter.process_value(context, found)
    except typer.BadParameter as error:
        raise UsageError(f"{where} is {value!r}: {error.message}") from None
    return found
