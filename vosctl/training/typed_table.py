"""TOML tables read into dataclasses, checked against the types of their fields."""

import dataclasses
import types
import typing
from typing import Any, Literal, TypeVar, cast

from vosctl.errors import UsageError
from vosctl.suggestion import suggestion

T = TypeVar("T")


def read_table(cls: type[T], table: dict[str, Any], file: str, where: str = "") -> T:
    """Make a dataclass from a table, and those within it from tables within.

    Fields whose metadata say that they are `derived` are no keys.

    Args:
        cls: the dataclass.
        table: as `tomllib` gives it.
        file: for messages.
        where: of the table in the file, for messages: empty, or a name with a dot at its end.

    Raises:
        UsageError: a key is unknown or missing, or a value has another type than its field.
    """
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cast(Any, cls)) if not f.metadata.get("derived")}
    for key in table:
        if key not in fields:
            raise UsageError(f"{file}: unknown key {where + key!r}; {suggestion(key, fields)}")
    for name, entry in fields.items():
        required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if required and name not in table:
            raise UsageError(f"{file}: {where + name!r} is missing")
    values = {key: _convert(hints[key], value, file, where + key) for key, value in table.items()}
    try:
        return cls(**values)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None


def _convert(kind: Any, value: Any, file: str, where: str) -> Any:
    """Check a TOML value against the type of its field."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if isinstance(value, dict):
            return read_table(kind, value, file, f"{where}.")
        raise UsageError(f"{file}: {where!r} is {value!r}, expected a table [{where}]")
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        if value in arguments:
            return value
        raise UsageError(f"{file}: {where!r} is {value!r}, expected one of {', '.join(map(repr, arguments))}")
    if origin is tuple:
        fixed = arguments[-1] is not Ellipsis
        if isinstance(value, list) and not (fixed and len(value) != len(arguments)):
            return tuple(_convert(arguments[0], item, file, where) for item in value)
        count = f"{len(arguments)} values" if fixed else "a list"
        raise UsageError(f"{file}: {where!r} is {value!r}, expected {count}")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    assert not isinstance(kind, types.UnionType)
    raise UsageError(f"{file}: {where!r} is {value!r}, expected a value of type {kind.__name__}")
