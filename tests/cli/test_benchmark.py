"""Tests cli/score_tables.py and cli/scoring.py too, beside what it is named after."""

import json
import subprocess
import sys
import zipfile
from dataclasses import asdict

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from vosctl.cli.benchmark import benchmark
from vosctl.errors import DatasetError, InterruptedRunError, MaskError, OutputError, UsageError, VosctlError
from vosctl.systems.backbone import ResNet
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.settings import TrackerSettings
from vosctl.systems.weights_file import write_weights

app = typer.Typer()
app.command()(benchmark)


def call(*arguments):
    """The command's standard output; raises what it raises."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def save_sequence(root, name, frames=5, lag=0):
    """A disk that moves right; `lag` frames behind for predictions."""
    rows, columns = np.ogrid[:48, :64]
    for index in range(frames):
        labels = ((rows - 24) ** 2 + (columns - 15 - 3 * max(index - lag, 0)) ** 2 <= 100).astype(np.uint8)
        for kind, picture in (("JPEGImages", np.dstack([40 + 150 * labels] * 3)), ("Annotations", labels)):
            folder = root / kind / "480p" / name
            folder.mkdir(parents=True, exist_ok=True)
            suffix = "jpg" if kind == "JPEGImages" else "png"
            Image.fromarray(picture).save(folder / f"{index:05d}.{suffix}")


@pytest.fixture
def davis(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("ant", "bee"):
        save_sequence(tmp_path / "DAVIS", name)
    return tmp_path / "DAVIS"


@pytest.fixture
def theirs(tmp_path):
    for name in ("ant", "bee"):
        save_sequence(tmp_path / "made", name, lag=1)
    return tmp_path / "made" / "Annotations" / "480p"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save(ResNet("resnet18", stages=3).state_dict(), path)
    return path


@pytest.fixture
def run(davis, weights):
    def call_with(*options):
        common = (
            "--dataset",
            "davis17",
            "--root",
            davis,
            "--backbone-weights",
            weights,
            "--precision",
            "fp32",
        )
        return call(*common, "--samples", 1, "--quiet", *options)

    return call_with


def test_scores_masks_of_another_tool(davis, theirs, tmp_path):
    shown = call(
        "--dataset", "davis17", "--root", davis, "--results", theirs, "--output", tmp_path / "out", "--quiet"
    )
    lines = [line.split() for line in shown.splitlines()]
    assert lines[0][:5] == ["sequence", "objects", "J&F", "J", "F"]
    assert [line[0] for line in lines[1:3]] == ["ant", "bee"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "global_results-val.csv",
        "per-sequence_results-val.csv",
        "report.html",
        "results.json",
    }
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert content["run"] is None
    assert lines[1][3] == f"{content['figures']['sequences']['ant']['J-Mean']:.3f}"


def test_official_tables_go_beside_the_masks_unless_told_otherwise(davis, theirs):
    call("--dataset", "davis16", "--root", davis, "--results", theirs)
    assert (theirs / "global_results-val.csv").is_file()


def test_a_missing_mask_ends_the_command(davis, theirs):
    (theirs / "bee" / "00002.png").unlink()
    with pytest.raises(MaskError, match=r"bee/00002\.png: no such file") as raised:
        call("--dataset", "davis17", "--root", davis, "--results", theirs)
    assert raised.value.exit_code == 2
    with pytest.raises(MaskError, match="nowhere: no such folder"):
        call("--dataset", "davis17", "--root", davis, "--results", theirs / "nowhere")


def test_runs_writes_and_resumes(run, davis, tmp_path):
    run("--output", tmp_path / "out", "--zip")
    assert len(list((tmp_path / "out" / "bee").iterdir())) == 5
    with zipfile.ZipFile(tmp_path / "out" / "submission.zip") as archive:
        assert len(archive.namelist()) == 10
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert content["run"]["variant"] == "d-only"
    assert content["run"]["settings"]["initial_samples"] == 1
    assert content["figures"]["model_fps"] > 0
    before = (tmp_path / "out" / "bee" / "00003.png").stat().st_mtime_ns
    shown = run("--output", tmp_path / "out")
    assert (tmp_path / "out" / "bee" / "00003.png").stat().st_mtime_ns == before
    assert "frames/s model" in shown
    with pytest.raises(OutputError, match=r"settings\.update_interval was 4, now 8"):
        run("--output", tmp_path / "out", "--update-interval", 8)
    run("--output", tmp_path / "out", "--update-interval", 8, "--overwrite")
    assert (tmp_path / "out" / "bee" / "00003.png").stat().st_mtime_ns > before


def test_a_sequence_that_fails_is_named_and_the_rest_is_scored(run, davis, tmp_path):
    (davis / "JPEGImages/480p/ant/00003.jpg").write_bytes(b"broken")
    with pytest.raises(VosctlError, match=r"1 failed .*: ant \(.*00003\.jpg") as raised:
        run("--output", tmp_path / "out")
    assert raised.value.exit_code == 1
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [sequence["name"] for sequence in content["sequences"]] == ["bee"]
    assert content["failures"][0]["sequence"] == "ant"


def test_the_default_output_and_chosen_sequences(run, tmp_path):
    run("--sequences", "bee", "--variant", "d-only-no-update", "--learning-rate", 0.2)
    content = json.loads((tmp_path / "runs/davis17-val/results.json").read_text())
    assert [sequence["name"] for sequence in content["sequences"]] == ["bee"]
    assert content["run"]["variant"] == "d-only-no-update"
    assert content["run"]["settings"]["learning_rate"] == 0.2


def test_compares_two_runs(davis, theirs, tmp_path):
    common = ("--dataset", "davis17", "--root", davis, "--results")
    call(*common, theirs, "--output", tmp_path / "a")
    call(*common, davis / "Annotations/480p", "--output", tmp_path / "b", "--sequences", "ant")
    shown = call("--compare", tmp_path / "a/results.json", tmp_path / "b")
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip(" ─")}
    assert list(rows) == ["sequence", "ant", "all"]
    assert rows["ant"][1] == rows["ant"][3] == rows["ant"][5] == "1.000"
    assert float(rows["ant"][6]) == pytest.approx(1 - float(rows["ant"][4]), abs=1.1e-3)


def test_table_1(davis, tmp_path):
    torch.manual_seed(0)
    backbone = ResNet("resnet18", stages=4)
    refinement = RefinementNetwork(backbone.channels)
    state = {f"backbone.{name}": value for name, value in backbone.state_dict().items()}
    state |= {f"refinement.{name}": value for name, value in refinement.state_dict().items()}
    write_weights(tmp_path / "random.pt", "frtm-rn18", state, {})
    shown = call(
        *(
            "--dataset",
            "davis16",
            "--root",
            davis,
            "--sequences",
            "ant",
            "--output",
            tmp_path / "out",
            "--quiet",
        ),
        *("--model", tmp_path / "random.pt", "--precision", "fp32", "--samples", 1, "--variant", "table"),
    )
    rows = [line.split() for line in shown.splitlines()]
    assert [row[0] for row in rows] == ["version", "d-only-no-update", "d-only", "no-update", "ours"]
    assert [row.count("x") for row in rows[1:]] == [0, 1, 1, 2]
    found = {
        variant: json.loads((tmp_path / "out" / variant / "results.json").read_text())["run"]
        for variant in ("d-only-no-update", "d-only", "no-update", "ours")
    }
    flags = {name: (run["settings"]["refine"], run["settings"]["update"]) for name, run in found.items()}
    assert flags == {
        "d-only-no-update": (False, False),
        "d-only": (False, True),
        "no-update": (True, False),
        "ours": (True, True),
    }
    assert {tuple(run["weights"]) for run in found.values()} == {("random.pt",)}


def test_what_is_missing_is_said(davis, monkeypatch):
    monkeypatch.delenv("VOSCTL_DATA", raising=False)
    with pytest.raises(UsageError, match="which data set with --dataset"):
        call()
    with pytest.raises(DatasetError, match="--root or set VOSCTL_DATA"):
        call("--dataset", "davis17")
    with pytest.raises(DatasetError, match=r"no sequence be in this split; did you mean bee\?"):
        call("--dataset", "davis17", "--root", davis, "--sequences", "ant,be")


def test_importing_the_command_imports_no_torch():
    code = "import sys, vosctl.cli.benchmark; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_ctrl_c_says_how_to_go_on(run, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("vosctl.evaluation.sequence_runner.Pipeline.run", interrupted)
    with pytest.raises(InterruptedRunError, match="the same command again, which leaves out"):
        run("--output", tmp_path / "out")


def test_table_1_in_a_number_type_that_the_cpu_has_not(davis, weights, tmp_path, monkeypatch):
    """Which rows there are is found out on the CPU, wherever they will run."""
    from vosctl.cli import scoring

    rows = []
    monkeypatch.setattr(scoring, "run", lambda data, plan, *_: rows.append(plan))
    monkeypatch.setattr("vosctl.cli.score_tables.report_ablations", lambda *_: None)
    monkeypatch.setattr("vosctl.evaluation.dataset_run.require_all", lambda _: None)
    given = ("--dataset", "davis17", "--root", davis, "--backbone-weights", weights, "--quiet")
    call(*given, "--variant", "table", "--precision", "fp16")
    assert [plan.variant for plan in rows] == ["d-only-no-update", "d-only"]
    assert {plan.model.precision for plan in rows} == {"fp16"}


def test_the_papers_numbers_and_single_ones_beside_them(run, tmp_path):
    run(
        "--output", tmp_path / "out", "--preset", "paper", "--memory-size", 4, "--region", "--update-steps", 3
    )
    settings = json.loads((tmp_path / "out" / "results.json").read_text())["run"]["settings"]
    expected = TrackerSettings.paper()
    assert settings == {
        **asdict(expected),
        "refine": False,  # the model has no refinement network
        "initial_samples": 1,
        "memory_size": 4,
        "nearby": True,
        "update_steps": 3,
    }
