from pathlib import Path

import pytest
from rich.table import Table

from tests.cli.command import Command
from vosctl.cli.console import console, print_line, print_result, visible

EVIL = "a\x1b[31m\x07\r\x9b2J\u202eb\udcff"
SHOWN = r"a\x1b[31m\x07\x0d\x9b2J\u202eb\xff"


def test_controls_are_escaped_and_layout_is_kept() -> None:
    assert visible(EVIL) == SHOWN
    assert visible("one\ttwo\nthree, é, 日本") == "one\ttwo\nthree, é, 日本"


def test_nothing_that_is_printed_holds_them(capfd: pytest.CaptureFixture[str]) -> None:
    table = Table("name", box=None)
    table.add_row(EVIL)
    console.print(EVIL, markup=False)
    console.print(table)
    print_result(table)
    print_result(EVIL)
    out, err = capfd.readouterr()
    for text in (out, err):
        assert not set(text) & set("\x1b\x07\r\x9b\u202e\udcff")
        assert text.count(r"\x1b[31m") == 2


def test_programs_get_names_as_they_are_and_terminals_do_not(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_line("a\x1bb")
    assert capfd.readouterr().out == "a\x1bb\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    print_line("a\x1bb")
    assert capfd.readouterr().out == "a\\x1bb\n"


def test_errors_of_every_command(vosctl: Command) -> None:
    name = "x\x1b[2Jy.mp4"
    Path(name).write_bytes(b"no clip")
    for arguments in (["inspect", name], ["segment", name, "-m", "m.png"], ["convert", name, "-o", "o"]):
        result = vosctl(*arguments, *(["--to", "palette"] if "convert" in arguments else []))
        assert result.code == 2
        assert r"x\x1b[2Jy.mp4" in result.error
        assert "\x1b" not in result.err
    assert "\x1b" not in vosctl("--debug", "inspect", name).err
    assert "\x1b" not in vosctl("help", "\x1b[2J").err
    assert "\x1b" not in vosctl("\x1b[2J").err
