"""Tests cli/options.py too, beside what it is named after."""

import json
import subprocess
import sys

import pytest
import typer

from tests.cli.command import Command
from vosctl.cli.app import app
from vosctl.version import __version__


def test_version_at_once_without_torch(vosctl: Command) -> None:
    assert vosctl("--version").out == f"vosctl {__version__}\n"
    code = "import sys; sys.argv = ['vosctl', '--help']\n"
    code += "try:\n    from vosctl.cli.app import main; main()\nexcept SystemExit: pass\n"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_help_names_the_exit_codes(vosctl: Command) -> None:
    for arguments in (["--help"], ["segment", "--help"]):
        result = vosctl(*arguments)
        assert result.code == 0
        assert "130 interrupted" in " ".join(result.out.split())


def test_python_m_is_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "vosctl", "--version"], capture_output=True, text=True, check=False
    )
    assert result.stdout == f"vosctl {__version__}\n"


def test_a_wrong_option_exits_with_2(vosctl: Command) -> None:
    result = vosctl("segment", "--no-such-option")
    assert result.code == 2
    assert "Traceback" not in result.err


def test_faults_and_debug(vosctl: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Traceback" not in vosctl("help", "xyzzy").err
    result = vosctl("--debug", "help", "xyzzy")
    assert result.code == 2
    assert "Traceback" in result.err
    assert "UsageError: xyzzy" in result.err

    def fails(*_: object) -> None:
        raise ZeroDivisionError("nobody thought\nof this")

    monkeypatch.setattr("vosctl.cli.help_topics._text", fails)
    result = vosctl("help", "masks")
    assert result.code == 70
    assert "ZeroDivisionError: nobody thought of this: a fault of vosctl; vosctl --debug" in result.error
    monkeypatch.setenv("VOSCTL_DEBUG", "1")
    assert "Traceback" in vosctl("help", "masks").err


def test_json_is_one_object_whatever_the_end(vosctl: Command) -> None:
    for arguments, code, part in (
        (["help", "--json"], 0, None),
        (["help", "xyzzy", "--json"], 2, "no such topic"),
        (["segment", "--no-such-option", "--json"], 2, "--no-such-option"),
        (["nothing", "--json"], 2, "nothing"),
        (["inspect", "nowhere.mp4", "--json"], 2, "nowhere.mp4"),
    ):
        result = vosctl(*arguments)
        found = json.loads(result.out)
        assert result.code == found["exit_code"] == code
        assert part in found["error"] if part else found["error"] is None


def test_every_command_takes_json_and_tells_its_exit_codes(vosctl: Command) -> None:
    names = [[name] for name in typer.main.get_command(app).commands if name != "weights"]  # type: ignore[attr-defined]
    names += [["weights", name] for name in ("list", "verify", "import", "export")]
    assert len(names) > 9
    for name in names:
        text = " ".join(vosctl(*name, "--help").out.split())
        assert "--json" in text, name
        assert "130 interrupted" in text, name


def test_nobody_reads_the_result() -> None:
    command = [sys.executable, "-m", "vosctl", "config", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(60) == 0, errors
    assert "Traceback" not in errors
    assert "Exception" not in errors


def test_a_path_that_the_system_refuses_is_no_fault(vosctl: Command) -> None:
    name = "a" * 300
    for arguments in (["segment", name, "--mask", "m.png"], ["inspect", name], ["convert", name, "-o", "x"]):
        result = vosctl(*arguments, *(["--to", "palette"] if "convert" in arguments else []))
        assert result.code == 2
        assert f"{name}: File name too long; check the path" in result.error
