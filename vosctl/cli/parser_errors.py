"""What the parser of command lines raises, known by what is documented of it, and in vosctl's words.

The exceptions come from click or, in newer versions, from typer's own copy of click; typer exports few of
them. All have `exit_code` and `format_message()`; that of an unknown option has `option_name` and
`possibilities`.
"""

from typing import Protocol, runtime_checkable

import typer

from vosctl.suggestion import near_names

_VALIDATORS_WORDS = "Value error, "  # with which newer versions of typer begin a message of an unknown choice


@runtime_checkable
class ParserError(Protocol):
    """A command line that the parser refuses."""

    exit_code: int

    def format_message(self) -> str:
        """The reason, in one line."""


@runtime_checkable
class _UnknownOptionError(ParserError, Protocol):
    option_name: str
    possibilities: list[str] | None


def message_of(error: ParserError) -> str:
    """The reason in one line; it suggests an option only where the name is really near."""
    if isinstance(error, _UnknownOptionError):
        error.possibilities = near_names(error.option_name, error.possibilities or [])
    return error.format_message().replace(_VALIDATORS_WORDS, "")


def reason_of(error: typer.BadParameter) -> str:
    """Why a value is refused, without the name of its option."""
    return error.message.removeprefix(_VALIDATORS_WORDS)
