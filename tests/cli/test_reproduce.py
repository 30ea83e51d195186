"""`vosctl reproduce` on a small data set.

Tests reproduction/run.py, reproduction/plan.py, reproduction/scores.py, reproduction/timing.py,
reproduction/pictures.py, reproduction/outcome.py and reproduction/chart.py too.
"""

import csv
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.cli.command import Command
from tests.evaluation.small_davis import moving_objects, save_davis
from vosctl.systems.backbone import ResNet
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.weights_file import write_weights


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    backbone = ResNet("resnet18")
    state = {f"backbone.{k}": v for k, v in backbone.state_dict().items()}
    state |= {f"refinement.{k}": v for k, v in RefinementNetwork(backbone.channels).state_dict().items()}
    path = tmp_path_factory.mktemp("weights") / "tiny-rn18.pt"
    write_weights(path, "frtm-rn18", state, {})
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return save_davis(tmp_path / "DAVIS", {"ant": moving_objects(5, (1,))})


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "result.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_list(vosctl: Command) -> None:
    found = vosctl("reproduce", "--list")
    assert "frtm-figure9" in found.out
    assert "agame-table4" in found.out
    assert "name a table or figure" in vosctl("reproduce").error


def test_a_sweep_is_measured_drawn_and_gone_on_with(
    vosctl: Command, root: Path, model: Path, tmp_path: Path
) -> None:
    command = ["reproduce", "frtm-figure9", "--root", root, "--models", model, "-o", tmp_path / "out"]
    command += ["--sweep", "learning_rate=0.1", "--sweep", "update_interval=2,4", "--quiet"]
    assert vosctl(*command).code == 0
    folder = tmp_path / "out" / "frtm-figure9"
    rows = rows_of(folder)
    assert [row["row"] for row in rows] == ["eta = 0.1, t_s = 2", "eta = 0.1, t_s = 4"]
    assert all(0 <= float(row["ours J"]) <= 100 for row in rows)
    with Image.open(folder / "result.png") as chart:
        assert chart.width > 300
    assert "In the paper" in (folder / "index.html").read_text()
    masks = sorted(folder.rglob("rows/*/ant/00003.png"))
    times = [path.stat().st_mtime_ns for path in masks]
    assert len(times) == 2
    assert vosctl(*command).code == 0
    assert [path.stat().st_mtime_ns for path in masks] == times
    settings = json.loads((masks[0].parents[1] / "results.json").read_text())["run"]["settings"]
    assert settings["update_steps"] == 5  # the paper's for ResNet-18
    assert not settings["nearby"]


def test_what_cannot_be_measured_says_why_and_the_rest_goes_on(
    vosctl: Command, root: Path, model: Path, tmp_path: Path
) -> None:
    command = ["reproduce", "agame-table1", "frtm-table4", "--root", root, "--models", model]
    assert vosctl(*command, "-o", tmp_path / "out", "--quiet").code == 0
    rows = rows_of(tmp_path / "out" / "agame-table1")
    assert len(rows) == 7
    assert all("--budget MINUTES" in row["reason"] for row in rows)
    assert rows[0]["paper G"] == "66"
    fractions = rows_of(tmp_path / "out" / "frtm-table4")
    assert [bool(row["ours J"]) for row in fractions] == [False, False, False, True, False]
    assert "weights import rn101_all.pth" in fractions[-1]["reason"]


def test_times_and_pictures(vosctl: Command, tmp_path: Path, model: Path) -> None:
    root = save_davis(tmp_path / "DAVIS", {"ant": moving_objects(18, (1,))})
    command = ["reproduce", "frtm-table5", "frtm-figure7", "frtm-figure8", "frtm-figure5", "frtm-figure6"]
    command += ["--root", root, "--models", model, "-o", tmp_path / "out", "--quiet"]
    found = vosctl(*command, "--json")
    assert found.code == 0, found.error
    by_name = {one["name"]: one for one in json.loads(found.out)["results"]}
    stages = {row["label"]: row["ours"]["percent"] for row in by_name["frtm-table5"]["rows"]}
    assert sum(stages.values()) == pytest.approx(100)
    assert all(value > 0 for value in stages.values())
    assert len(by_name["frtm-figure7"]["rows"]) == 5
    last = by_name["frtm-figure7"]["rows"][-1]["ours"]
    assert last["all"] == pytest.approx(100)
    sizes = by_name["frtm-figure8"]["rows"]
    assert len(sizes) == 5  # the last one is the matrix
    assert sizes[3]["ours"]["all"] == pytest.approx(100)
    for name in ("frtm-figure5", "frtm-figure6"):
        (picture,) = by_name[name]["pictures"]
        with Image.open(tmp_path / "out" / name / picture) as found_picture:
            assert found_picture.width > 600
