"""Standard output that is full or closed, in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.process import ROOT, end, start
from vosctl.version import __version__

COMMANDS = (["--version"], ["--help"], ["help"], ["help", "masks"], ["config"], ["config", "segment"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [*COMMANDS, ["config", "--json"]])
def test_a_full_disk_is_told_in_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        code, _, lines = end(start(*arguments, out=full))
    assert code == 2
    assert lines[-1].startswith("error: standard output cannot be written: No space left on device")
    assert sum(line.startswith("error") for line in lines) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of Windows end in another way")
@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_reader_that_has_gone_ends_the_command_in_silence(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*arguments, out=writing)
    os.close(writing)
    code, _, lines = end(process)
    assert code == 141
    assert not [line for line in lines if line.startswith("error")]


def test_standard_error_that_is_full_stops_nothing() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from vosctl.cli.start import main; main()"
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run([sys.executable, "-c", code, "help", "xyzzy"], stderr=full, check=False)
    assert found.returncode == 2


def test_standard_output_that_is_closed_from_the_start() -> None:
    closed = "import os; os.close(1); sys.stdout = None"
    for arguments in (["--version"], ["help", "masks"]):
        code, out, lines = end(start(*arguments, setup=closed))
        assert (code, out, lines) == (0, "", [])


def test_the_version_needs_no_heavy_library() -> None:
    names = "'typer rich av numpy PIL torch torchvision jinja2'.split()"
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['vosctl', '--version']
from vosctl.cli.start import main; main()
sys.exit([name for name in {names} if name in sys.modules] or 0)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, f"vosctl {__version__}\n", "")


def test_a_name_that_is_no_text_goes_to_a_program_as_it_is() -> None:
    setup = "from vosctl.cli import help_topics\nhelp_topics._text = lambda path: 'clip\\udcff'"
    code, out, _ = end(start("help", "masks", setup=setup, PYTHONIOENCODING="utf-8"))
    assert code == 0
    assert out == "clip\udcff\n"
