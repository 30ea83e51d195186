"""Every file, test and command that docs/papers.md names exists, and every row says what tests it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from vosctl.cli.app import app
from vosctl.reproduction.target import targets

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "papers.md").read_text(encoding="utf-8")


def rows() -> Iterator[list[str]]:
    """The cells of each row of the tables with four columns."""
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and cells[1] != "file" and not cells[0].startswith("--"):
            yield cells


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_there_are_rows_for_all_equations_steps_tables_and_figures() -> None:
    subjects = " ".join(row[0] for row in rows())
    for number in range(1, 5):
        assert f"eq. ({number})" in subjects
    for number in range(1, 7):
        assert f"FRTM Table {number}" in subjects
    commands = " ".join(row[3] for row in rows())
    for target in targets():
        assert target.name in commands or target.name in ("agame-table3", "agame-table4")


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row[0])
def test_a_row_names_what_is_there(row: list[str]) -> None:
    _, files, tests, command = row
    sources = [name for name in named(files) if "/" in name]
    assert sources
    for name in sources:
        assert (ROOT / "vosctl" / name).is_file(), name
    for name in named(tests):
        assert (ROOT / "tests" / name).is_file(), name
    assert named(tests) or tests == "none"
    assert named(command) or command == "none"


def test_commands_exist_with_their_options() -> None:
    group = typer.main.get_command(app)
    found = [one for row in rows() for one in named(row[3])]
    found += re.findall(r"^vosctl [^\n]+", TEXT, re.MULTILINE)
    assert len(found) > 30
    names = {target.name for target in targets()}
    for text in found:
        program, name, *rest = text.split()
        assert program == "vosctl"
        command = group.commands[name]  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            command = command.commands[rest.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        for word in rest:
            if word.startswith("--"):
                assert word in options, text
            elif word.endswith(".toml"):
                assert (ROOT / word).is_file(), text
            elif name == "reproduce":
                assert word in names, text
