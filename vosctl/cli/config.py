"""`vosctl config`: what holds and where it comes from; and `vosctl.toml`, the settings of options.

    [segment]
    model = "frtm-rn18"
    max-size = 960

The command line goes before environment variables, these before the file, and the file before defaults. An
option is a setting if it has an environment variable. What one run reads, writes or is allowed to do is not a
setting, and neither is `--engine`: a file in a folder from elsewhere must not name the machines that clips
are sent to.

`--json`:

    file       path of the file that is read, or null
    searched   [path]: where a file is looked for, in order
    settings   {command: {option: {value, from}}}, from being "default", the name of the environment variable
               or the path of the file; some defaults are null, which stands for what `--help` says
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from platformdirs import user_config_path
from rich.table import Table

from vosctl.cli import options
from vosctl.cli.console import console, print_result
from vosctl.cli.json_output import json_result
from vosctl.cli.parser_errors import reason_of
from vosctl.errors import UsageError
from vosctl.suggestion import suggestion

FILE_NAME = "vosctl.toml"

# The parser's classes come from click or, in newer versions, from typer's own copy of it. typer exports
# neither, so they are known here by their documented attributes alone.
_Group = Any
_Command = Any
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
    commands = _commands(group)
    if command:
        _require(command, list(commands), "command")
    file, values = _read(group)
    found = {name: dict(_settings(name, one, values.get(name, {}), file)) for name, one in commands.items()}
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
                table.add_row(f"{name}.{option}", value, setting["from"])
    print_result(table if table.row_count else "All settings are at their defaults.", soft_wrap=True)
    places = ", ".join(str(path) for path in _searched())
    console.print(f"file: {file}" if file else f"no file; looked for {places}", markup=False)
    if command is None:
        console.print("vosctl config COMMAND shows the defaults of a command too")


def default_map(context: typer.Context) -> dict[str, dict[str, Any]]:
    """The file's values by command and parameter, in the form that the parser takes them in.

    Raises:
        UsageError: the file cannot be read, or holds something that is not a setting.
    """
    return _read(context.command)[1]


def _searched() -> list[Path]:
    return [Path(FILE_NAME), user_config_path("vosctl", appauthor=False, roaming=True) / FILE_NAME]


def _read(group: _Group) -> tuple[Path | None, dict[str, dict[str, Any]]]:
    file = next((path for path in _searched() if path.is_file()), None)
    if file is None:
        return None, {}
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}; check its permissions") from None
    except (ValueError, RecursionError) as error:  # of TOML, of UTF-8, or lists in lists without end
        raise UsageError(f"{file} is not TOML: {error}") from None
    commands = _commands(group)
    values: dict[str, dict[str, Any]] = {}
    for name, table in content.items():
        _require(name, list(commands), "command", file)
        if not isinstance(table, dict):
            raise UsageError(f"{file}: {name} is {table!r}, expected a table [{name}]")
        known = {_option(parameter): parameter for parameter in _parameters(commands[name])}
        values[name] = {}
        for key, value in table.items():
            option = key.replace("_", "-")
            _require(option, list(known), "setting", file, f"{name}.")
            where = f"{file}: {name}.{key}"
            values[name][known[option].name] = _checked(commands[name], known[option], value, where)
    return file, values


def _commands(group: _Group) -> dict[str, _Command]:
    """The commands that have settings, by name."""
    return {name: command for name, command in sorted(group.commands.items()) if _parameters(command)}


def _parameters(command: _Command) -> list[_Parameter]:
    """The parameters that are settings."""
    return [parameter for parameter in command.params if parameter.envvar]


def _option(parameter: _Parameter) -> str:
    # The first: some options have a second long name.
    return str(next(name for name in parameter.opts if name.startswith("--"))).lstrip("-")


def _settings(
    name: str, command: _Command, values: Mapping[str, Any], file: Path | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each setting's value and source, by option; the parser itself tells what holds."""
    held = command.make_context(name, [], resilient_parsing=True, default_map=dict(values)).params
    for parameter in _parameters(command):
        given: Any = parameter.default
        source = "default"
        if parameter.name in values:
            given, source = values[parameter.name], str(file)
        if text := os.environ.get(parameter.envvar):
            given, source = text, parameter.envvar
        value = held.get(parameter.name)
        # Of a value that does not work the parser holds None; the command itself will refuse it.
        yield _option(parameter), {"value": _plain(given if value is None else value), "from": source}


def _plain(value: object) -> object:
    """The value as JSON holds it."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def _require(name: str, known: list[str], kind: str, file: Path | None = None, prefix: str = "") -> None:
    if name in known:
        return
    where = f"{file}: {prefix}" if file else ""
    raise UsageError(f"{where}{name} is no {kind} that can be set; {suggestion(name, known)}")


def _checked(command: _Command, parameter: _Parameter, value: object, where: str) -> object:
    """The value in the form that a command line has it in.

    Raises:
        UsageError: the option would not take it.
    """
    many = isinstance(value, list)
    if many and not parameter.multiple:
        raise UsageError(f"{where} is {value!r}, expected one value")
    given = value if isinstance(value, list) else [value]
    is_flag = bool(getattr(parameter, "is_flag", False))
    for one in given:
        if isinstance(one, bool) != is_flag or not isinstance(one, bool | int | float | str):
            expected = "true or false" if is_flag else "text or a number"
            raise UsageError(f"{where} is {value!r}, expected {expected}")
    if is_flag:
        return value
    texts = [str(one) for one in given]
    try:
        command.make_context(command.name, [f"--{_option(parameter)}={text}" for text in texts])
    except typer.BadParameter as error:
        if error.param is parameter:  # what else the command would miss is not asked here
            raise UsageError(f"{where} is {value!r}: {reason_of(error)}") from None
    return texts if parameter.multiple else texts[0]
