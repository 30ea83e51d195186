import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import Command
from vosctl.systems.names import known_names


@pytest.fixture
def complete(vosctl: Command, monkeypatch: pytest.MonkeyPatch):
    def call(line: str, shell: str = "bash") -> list[str]:
        """What the shell is offered at the end of a command line."""
        words = line.split(" ")
        monkeypatch.setenv("_VOSCTL_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        result = vosctl()
        assert result.code == 0
        return result.out.splitlines()

    return call


def test_commands_options_and_values(complete) -> None:
    assert {"segment", "overlay", "convert", "help"} <= set(complete("vosctl "))
    assert complete("vosctl seg") == ["segment"]
    assert "--masks-from" in complete("vosctl segment --ma")
    assert complete("vosctl segment --model ") == known_names()
    assert complete("vosctl segment --model ours") == ["ours", "ours-fast"]
    assert complete("vosctl segment --format al") == ["alpha-prores", "alpha-ffv1"]
    assert "soft" not in complete("vosctl convert x --to ")
    assert complete("vosctl benchmark --dataset davis") == ["davis16", "davis17"]
    assert complete("vosctl segment --variant n") == ["no-update"]
    assert complete("vosctl segment --precision b") == ["bf16"]
    assert complete("vosctl segment --window l") == ["low-latency"]
    assert "masks" in complete("vosctl help m")


def test_imported_models_are_offered_by_name(complete, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.pt").touch()
    assert complete("vosctl segment --model mi") == ["mine"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_descriptions(complete, shell: str) -> None:
    text = "\n".join(complete("vosctl segment --format co", shell))
    assert "coco" in text
    assert "COCO JSON" in text


def test_a_broken_configuration_does_not_stop_the_shell(complete) -> None:
    Path("vosctl.toml").write_text("[nothing")
    assert complete("vosctl seg") == ["segment"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_each_shell(vosctl: Command, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_VOSCTL_COMPLETE", f"source_{shell}")
    assert "_VOSCTL_COMPLETE" in vosctl().out


def test_completing_needs_no_torch() -> None:
    code = "import sys; from vosctl.cli import completion as c\n"
    code += "list(c.models('')), list(c.formats('')), list(c.topics(''))\n"
    code += "import vosctl.cli.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
