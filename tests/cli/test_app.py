import subprocess
import sys

from tests.cli.command import Command
from vosctl import __version__


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
