"""`vosctl help TOPIC`: what is too long for `--help`; the topics are the files in `topics/`.

`--json`:

    topics   [name]
    topic    its name, null where none was asked for
    text     in Markdown, null where none was asked for
"""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from vosctl import cli
from vosctl.cli import completion, options
from vosctl.cli.json_output import json_result
from vosctl.errors import UsageError
from vosctl.suggestion import suggestion

_WIDEST = 100  # columns: longer lines are hard to read


def show_topic(
    topic: Annotated[
        str | None,
        typer.Argument(metavar="[TOPIC]", show_default=False, autocompletion=completion.topics),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Explain a topic; without one, list them.

    Example: vosctl help masks
    """
    files = {path.stem: path for path in completion.topic_files()}
    if topic is not None and topic not in files:
        raise UsageError(
            f"{topic}: no such topic; {suggestion(topic, files)} (of a command: vosctl COMMAND --help)"
        )
    if as_json:
        text = _text(files[topic]) if topic else None
        json_result.put({"topics": list(files), "topic": topic, "text": text})
        return
    if topic:
        _show(_text(files[topic]))
        return
    for name, path in files.items():
        typer.echo(f"{name:<12} {completion.title_of(path)}")


def _text(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return text + "".join(_schemas()) if path.stem == "json" else text


def _schemas() -> Iterator[str]:
    """What each command's `--json` holds: it stands at the end of the docstring of the command's module."""
    for module in pkgutil.iter_modules(cli.__path__, f"{cli.__name__}."):
        doc = inspect.getdoc(importlib.import_module(module.name)) or ""
        command = re.match(r"`(vosctl [a-z]+)[`\s]", doc)
        _, heading, schema = doc.partition("\n`--json`")
        if command and heading:
            yield f"\n## {command[1]}\n\n`--json`{schema}\n"


def _show(text: str) -> None:
    if not sys.stdout.isatty():
        typer.echo(text.rstrip())
        return
    from rich.markdown import Markdown  # its import costs each start of the command

    out = Console()
    out.print(Markdown(text), width=min(out.width, _WIDEST))
