import json
from pathlib import Path

import pytest
import typer

from tests.cli.command import Command
from vosctl.cli.app import app


def settings_of(vosctl: Command, command: str = "segment") -> dict[str, tuple[object, str]]:
    result = vosctl("config", command, "--json")
    assert result.code == 0, result.err
    found = json.loads(result.out)["settings"][command]
    return {name: (setting["value"], setting["from"]) for name, setting in found.items()}


def test_command_line_before_environment_before_file(
    vosctl: Command, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["-m", "first.png", "--report", "r.json", "--overwrite", "--variant", "no-update"]

    def seen(*more: object) -> list[int]:
        assert vosctl.tracking("segment", clip, *options, *more).code == 0
        size = json.loads(Path("r.json").read_text())["network_size"]
        assert isinstance(size, list)
        return size

    Path("vosctl.toml").write_text("[segment]\nmax-size = 80\n")
    assert seen() == [80, 48]
    monkeypatch.setenv("VOSCTL_MAX_SIZE", "120")
    assert seen() == [120, 72]
    assert seen("--max-size", 100) == [100, 60]


def test_config_shows_what_holds_and_from_where(vosctl: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of(vosctl)["device"] == ("auto", "default")
    assert "All settings are at their defaults" in vosctl("config").out
    text = '[segment]\nmodel = "ours"\nmax_size = 640\nquiet = true\nformat = "coco"\nwindow = 4\n'
    Path("vosctl.toml").write_text(text + "[overlay]\nopacity = 0.25\n")
    monkeypatch.setenv("VOSCTL_MODEL", "ours-fast")
    found = settings_of(vosctl)
    assert found["model"] == ("ours-fast", "VOSCTL_MODEL")
    assert found["max-size"] == (640, "vosctl.toml")
    assert found["quiet"] == (True, "vosctl.toml")
    assert found["format"] == (["coco"], "vosctl.toml")
    assert found["window"] == ("4", "vosctl.toml")
    assert found["precision"] == ("auto", "default")
    assert settings_of(vosctl, "overlay")["opacity"] == (0.25, "vosctl.toml")
    table = vosctl("config")
    assert "segment.max-size" in table.out
    assert "segment.precision" not in table.out
    assert "file: vosctl.toml" in table.err
    assert "segment.precision" in vosctl("config", "segment").out


def test_the_users_file_is_read_where_the_working_folder_has_none(vosctl: Command, tmp_path: Path) -> None:
    file = Path(typer.get_app_dir("vosctl")) / "vosctl.toml"
    assert file.is_relative_to(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text("[segment]\nmax-size = 320\n")
    assert settings_of(vosctl)["max-size"] == (320, str(file))
    Path("vosctl.toml").write_text("")
    assert settings_of(vosctl)["max-size"] == (None, "default")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[segmnt]\n", "segmnt is no command that can be set; did you mean segment?"),
        (
            '[segment]\nmodle = "x"',
            "segment.modle is no setting that can be set; did you mean model?",
        ),
        ('[segment]\noutput = "x"', "segment.output is no setting"),
        ("[segment]\noverwrite = true", "segment.overwrite is no setting"),
        ('[segment]\nengine = "ray"', "segment.engine is no setting"),
        ("segment = 1", "segment is 1, expected a table [segment]"),
        ("[segment]\nmax-size = true", "segment.max-size is True, expected text or a number"),
        ("[segment]\nmax-size = 64.5", "segment.max-size is 64.5: "),
        ('[segment]\nquiet = "yes"', "segment.quiet is 'yes', expected true or false"),
        ('[segment]\nprecision = "bf8"', "segment.precision is 'bf8': "),
        ('[segment]\nmodel = ["a"]', "segment.model is ['a'], expected one value"),
        ("[segment\n", "is not TOML: "),
        (f"[segment]\nmodel = {'[' * 5000}{']' * 5000}", "is not TOML: "),
        (f"[segment]\nmax-size = {'9' * 5000}", "is not TOML: "),
    ],
)
def test_a_file_that_does_not_work_is_refused(vosctl: Command, text: str, message: str) -> None:
    Path("vosctl.toml").write_text(text)
    for arguments in (["config"], ["segment", "x.mp4"]):
        result = vosctl(*arguments)
        assert result.code == 2
        assert f"error: vosctl.toml{'' if 'TOML' in message else ':'}" in result.error
        assert message in result.error
    assert vosctl("help", "config").code == 0


def test_each_setting_has_one_variable_and_help_names_it(vosctl: Command) -> None:
    group = typer.main.get_command(app)
    for command in group.commands.values():  # type: ignore[attr-defined]
        for parameter in command.params:
            if parameter.envvar:
                option = next(name for name in parameter.opts if name.startswith("--")).lstrip("-")
                assert parameter.envvar == f"VOSCTL_{option.replace('-', '_').upper()}"
    assert "env var: VOSCTL_MAX_SIZE" in vosctl("segment", "--help").out
    assert "did you mean segment?" in vosctl("config", "segmet").error
