"""Plain data from a file, checked against the dataclass that it is to become."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

_SHOWN = 40  # letters of a wrong value


def require_fields(data: object, kind: type) -> dict[str, Any]:
    """The data as it is, if it has every field that the dataclass must have, each of its type.

    Raises:
        TypeError: one is missing, unknown or of another type; the message names it.
    """
    if not isinstance(data, dict):
        raise TypeError(f"found a {type(data).__name__}, expected an object with named values")
    hints = get_type_hints(kind)
    if unknown := data.keys() - hints.keys():
        raise TypeError(f"{min(unknown)[:_SHOWN]} is unknown")
    for name in (field.name for field in fields(kind)):
        if name in data and not _is_of(data[name], hints[name]):
            raise TypeError(f"{name} is {repr(data[name])[:_SHOWN]}")
    return data


def _is_of(value: object, hint: Any) -> bool:
    """Whether a value from JSON can stand for a type: lists for tuples, objects for dataclasses."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (UnionType, Union):
        return any(_is_of(value, one) for one in inner)
    if origin is tuple:
        if not isinstance(value, list):
            return False
        kinds = [inner[0]] * len(value) if inner[1:] == (...,) else list(inner)
        return len(value) == len(kinds) and all(map(_is_of, value, kinds))
    if origin is Mapping:
        return isinstance(value, dict)
    if is_dataclass(hint):
        assert isinstance(hint, type)
        try:
            return hint(**require_fields(value, hint)) is not None
        except TypeError:
            return False
    if hint in (None, NoneType):
        return value is None
    if isinstance(value, bool):  # which Python takes for a number
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)
