"""`--json`: one object on standard output, printed when the command has ended, whatever its end was.

Beside what each command's module says it holds:

    exit_code   number, the same as the process's
    error       text in one line, null where there was none
"""

from collections.abc import Mapping
from typing import Any

import typer

from vosctl.files import json_text


class JsonResult:
    """Collects what is to be printed at the end."""

    def __init__(self) -> None:
        self._content: dict[str, Any] = {}

    def clear(self) -> None:
        """Forgets everything, for a new command."""
        self._content = {}

    def put(self, content: Mapping[str, Any]) -> None:
        """Adds keys; values are plain data."""
        self._content.update(content)

    def print(self, exit_code: int, error: str | None) -> None:
        """Print the object; this is called last."""
        typer.echo(json_text({"exit_code": exit_code, "error": error, **self._content}))


json_result = JsonResult()
