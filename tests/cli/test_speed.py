"""Tests evaluation/speed_table.py too, beside what it is named after."""

import json
from pathlib import Path

import pytest

from tests.cli.command import Command
from vosctl.media.claims import hold


def test_stages_of_a_clip_as_a_table_and_as_json(vosctl: Command, clip: Path, tmp_path: Path) -> None:
    mask = clip.with_name("first.png")
    shown = vosctl.tracking("benchmark", "--speed", clip, "--mask", mask)
    assert shown.code == 0, shown.err
    rows = {line.split("  ")[0]: line.split() for line in shown.out.splitlines() if line.strip()}
    assert {"first frame", "features", "target model", "memory", "update"} <= set(rows)
    assert "TFLOP/s (the bound)" in shown.out
    assert rows["clip.mp4"][1:4] == ["12", "160x96", "2"]

    asked = vosctl.tracking("benchmark", "--speed", clip, "--objects", 3, "--json", "-o", tmp_path / "out")
    measured = json.loads(asked.out)["speed"]
    assert measured == json.loads((tmp_path / "out" / "speed.json").read_text())
    assert measured["precision"] == "float32"
    assert measured["clips"][0]["objects"] == 3
    assert measured["clips"][0]["end_to_end_fps"] > 0


def test_a_folder_that_is_being_written_is_left_alone(vosctl: Command, clip: Path, tmp_path: Path) -> None:
    with hold(tmp_path / "out", is_folder=True):
        asked = vosctl.tracking("benchmark", "--speed", clip, "-o", tmp_path / "out")
    assert asked.code == 2
    assert "is being written by another run" in asked.error


def test_what_does_not_go_together(vosctl: Command, clip: Path) -> None:
    assert "2 clips, 1 masks" in vosctl.tracking("benchmark", "--speed", clip, clip, "--mask", "a.png").error
    assert "clips are for --speed" in vosctl.tracking("benchmark", clip).error
    variant = vosctl.tracking("benchmark", "--speed", clip, "--variant", "table")
    assert "--variant table is for scoring" in variant.error


def test_a_row_of_table_1_is_measured_by_itself(vosctl: Command, clip: Path) -> None:
    asked = vosctl.tracking("benchmark", "--speed", clip, "--variant", "d-only-no-update", "--json")
    (measured,) = json.loads(asked.out)["speed"]["clips"]
    names = {stage["name"] for stage in measured["stages"]}
    assert "features" in names
    assert "memory" not in names
    steady = [stage["steady_share"] for stage in measured["stages"] if stage["steady_share"] is not None]
    assert sum(steady) == pytest.approx(1)
    (first,) = [stage for stage in measured["stages"] if stage["name"] == "first frame"]
    assert first["steady_share"] == 0
