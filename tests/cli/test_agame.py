import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from tests.cli.command import Command
from tests.evaluation.small_davis import moving_objects, save_davis
from vosctl.systems.agame.network import AGAME, AGAMEOptions
from vosctl.systems.backbone import ResNet
from vosctl.systems.weights_file import write_weights


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file of random weights, unimodal."""
    torch.manual_seed(0)
    options = AGAMEOptions(width=8, encoding=4, unimodal=True)
    backbone = ResNet("resnet18", dilated_layer4=True)
    network = AGAME(backbone.channels, options)
    state = {f"backbone.{name}": value for name, value in backbone.state_dict().items()}
    state |= {f"agame.{name}": value for name, value in network.state_dict().items()}
    path = tmp_path / "small.pt"
    write_weights(path, "agame-rn18", state, {"summary": "for tests"}, asdict(options))
    return path


def test_a_model_file_decides_the_system(vosctl: Command, clip: Path, model: Path, tmp_path: Path) -> None:
    asked = ("--model", model, "--device", "cpu", "--precision", "fp32")
    arguments = ("segment", clip, "--mask", "first.png", "-o", "masks", "--debug-scores", "scores", *asked)
    result = vosctl(*arguments)
    assert result.code == 0, result.err
    assert len(list((tmp_path / "masks").glob("*.png"))) == 12
    assert len(list((tmp_path / "scores").glob("*.png"))) == 11
    verified = vosctl("weights", "verify", model)
    assert "agame-rn18, backbone and A-GAME" in verified.out
    d_only = vosctl("segment", clip, "--mask", "first.png", "-o", "other", "--variant", "d-only", *asked)
    assert "d-only is a variant of FRTM" in d_only.error


def test_what_does_not_go_with_it(vosctl: Command, clip: Path, model: Path) -> None:
    arguments = ("segment", clip, "--mask", "first.png", "-o", "masks")
    assert "no weights at hand" in vosctl(*arguments, "--model", "agame-rn101").error
    mixed = vosctl(*arguments, "--model", model, "--backbone-weights", vosctl.backbone)
    assert "an A-GAME model is one file" in mixed.error
    content = torch.load(model, weights_only=True)
    torch.save({**content, "options": {"witdh": 3}}, model)
    model.with_suffix(".json").unlink()
    assert "options that this version does not know" in vosctl(*arguments, "--model", model).error


def test_a_benchmark_runs_it(vosctl: Command, model: Path, tmp_path: Path) -> None:
    save_davis(tmp_path / "davis", {"one": moving_objects(4)})
    asked = ("--model", model, "--device", "cpu", "--precision", "fp32")
    arguments = ("benchmark", "--dataset", "davis17", "--root", tmp_path / "davis", *asked)
    result = vosctl(*arguments, "-o", "whole", "--variant", "no-update")
    assert result.code == 0, result.err
    assert "small.pt, no-update" in result.out
    d_only = vosctl(*arguments, "-o", "coarse", "--variant", "d-only")
    assert "d-only is a variant of FRTM" in d_only.error
    table = vosctl(*arguments, "-o", "rows", "--variant", "table", "--quiet")
    assert [line.split()[0] for line in table.out.splitlines()] == ["version", "no-update", "ours"]


def test_a_benchmark_takes_and_records_only_what_a_game_heeds(
    vosctl: Command, model: Path, tmp_path: Path
) -> None:
    root = save_davis(tmp_path / "DAVIS", {"ant": moving_objects(3)})
    command = ["benchmark", "--dataset", "davis17", "--root", root, "--model", model, "--device", "cpu"]
    command += ["--precision", "fp32", "--output", "out", "--quiet"]
    for given in (["--samples", 5], ["--update-interval", 8], ["--window", 1, "--learning-rate", 0.2]):
        assert f"A-GAME makes no use of {given[0]}; leave it out" in vosctl(*command, *given).error
    assert vosctl(*command, "--learning-rate", 0.2).code == 0
    settings = json.loads((tmp_path / "out" / "results.json").read_text())["run"]["settings"]
    assert settings == {"refine": True, "update": True, "learning_rate": 0.2, "views": 1, "max_size": None}
