import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.conftest import RECIPE, data, one_thread
from vosctl.cli.train import data_paths, train
from vosctl.errors import InterruptedRunError, OutputError, UsageError
from vosctl.media.claims import hold

__all__ = ["data", "one_thread"]  # fixtures


def test_a_run_is_written_and_resumed(
    data: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, output = tmp_path / "recipe.toml", tmp_path / "runs" / "first"
    recipe.write_text(RECIPE.format(steps=2, rate=0.0))
    given = [f"{name}={path}" for name, path in data.items()]
    train(recipe, given, output, device="cpu")
    said = capsys.readouterr()
    assert said.out.strip() == str(output / "checkpoint.pt")
    assert "step 2/2" in said.err
    lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    assert (output / "plot.svg").is_file()

    with pytest.raises(UsageError, match="--resume"):
        train(recipe, given, output, device="cpu")
    recipe.write_text(RECIPE.format(steps=3, rate=0.0))
    train(recipe, given, output, resume=True, device="cpu", quiet=True)
    said = capsys.readouterr()
    assert "warning: the recipe is not the one" in said.err
    assert "step 3" not in said.err
    assert len((output / "log.jsonl").read_text().splitlines()) == 3


def test_a_second_run_into_the_folder_is_refused(data: dict[str, Path], tmp_path: Path) -> None:
    recipe, output = tmp_path / "recipe.toml", tmp_path / "run"
    recipe.write_text(RECIPE.format(steps=1, rate=0.0))
    with hold(output, is_folder=True), pytest.raises(OutputError, match="is being written by another run"):
        train(recipe, [f"{name}={path}" for name, path in data.items()], output, device="cpu")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["davis"], "--data davis: expected NAME=PATH"),
        (["=x"], "--data =x: expected NAME=PATH"),
        (["a=x", "a=y"], "--data a: given twice (x and y)"),
    ],
)
def test_data_options_are_checked(values: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        data_paths(values)
    assert message in str(error.value)


def test_data_paths_may_hold_equals_signs() -> None:
    assert data_paths(["a=x=1/y", "b=z"]) == {"a": Path("x=1/y"), "b": Path("z")}


def test_the_command_is_imported_without_torch() -> None:
    code = "import sys, vosctl.cli.train; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ctrl_c_says_how_to_go_on(
    data: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vosctl.training.trainer import Trainer

    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(steps=2, rate=0.0))
    given = [f"{name}={path}" for name, path in data.items()]

    def interrupted(trainer: Trainer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "run", interrupted)
    with pytest.raises(InterruptedRunError, match="run the same again"):
        train(recipe, given, tmp_path / "run", device="cpu")
    monkeypatch.setattr(Trainer, "_restore", lambda *_: None)
    monkeypatch.setattr("vosctl.training.trainer.read_checkpoint", lambda _: None)
    (tmp_path / "run" / "checkpoint.pt").touch()
    with pytest.raises(InterruptedRunError, match="add --resume"):
        train(recipe, given, tmp_path / "run", resume=True, device="cpu")
