"""Values of a recipe from the command line: `vosctl train --set optimizer.learning_rate=1e-4`."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from vosctl.errors import UsageError


def override(table: dict[str, Any], text: str) -> None:
    """Put a value into a recipe's table, in place.

    Args:
        table: as `tomllib` gives it.
        text: KEY=VALUE, the value as TOML writes it; bare words are texts. A dot leads into a table
            (`optimizer.learning_rate`), into every table of a list (`stages.batch`), or into one of them
            (`stages.0.batch`).

    Raises:
        UsageError: it is not of that form, or a list has no such entry.
    """
    key, equals, value = text.partition("=")
    names = [name.strip() for name in key.split(".")]
    if not equals or not all(names):
        raise UsageError(f"--set {text}: expected KEY=VALUE, such as optimizer.learning_rate=1e-4")
    _put(table, names, _value(value.strip()), text)


def to_toml(table: Mapping[str, Any]) -> str:
    """A recipe's table as a TOML file: values, tables of values, and lists of such tables."""
    lines = [f"{key} = {_written(value)}" for key, value in table.items() if not _is_nested(value)]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += ["", f"[{key}]", *(f"{name} = {_written(one)}" for name, one in value.items())]
        elif _is_nested(value):
            for entry in value:
                lines += ["", f"[[{key}]]", *(f"{name} = {_written(one)}" for name, one in entry.items())]
    return "\n".join(lines) + "\n"


def _put(table: dict[str, Any], names: list[str], value: Any, text: str) -> None:
    name, *rest = names
    if not rest:
        table[name] = value
        return
    inner = table.setdefault(name, {})
    if isinstance(inner, dict):
        _put(inner, rest, value, text)
    elif _is_nested(inner):
        entries = inner
        if rest[0].isdecimal() and len(rest) > 1:
            # Python refuses to read thousands of digits; no recipe has so many entries.
            index, rest = int(rest[0]) if len(rest[0]) < 10 else len(inner), rest[1:]
            if index >= len(inner):
                raise UsageError(f"--set {text}: the recipe has {len(inner)} [[{name}]], counted from 0")
            entries = [inner[index]]
        for entry in entries:
            _put(entry, rest, value, text)
    else:
        raise UsageError(f"--set {text}: {name} is a value of the recipe, not a table")


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)
    )


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value)  # numbers, texts, true and false are written alike in JSON and TOML
