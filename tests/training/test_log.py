"""Tests training/plot.py too, beside what it is named after."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from vosctl.errors import WeightsError
from vosctl.training.log import TrainingLog, read_log
from vosctl.training.plot import LOSS_COLOUR, SCORE_COLOUR, plot_log

SVG = "{http://www.w3.org/2000/svg}"


def test_lines_come_back_and_repeated_steps_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = TrainingLog(path)
    for step in range(1, 6):
        log.write(step=step, loss=1 / step)
    with path.open("a") as file:
        file.write('{"step": 6, "lo')
    assert [line["step"] for line in read_log(path)] == [1, 2, 3, 4, 5]
    TrainingLog(path, resume_at=3).write(step=4, loss=0.5)
    assert [line["step"] for line in read_log(path)] == [1, 2, 3, 4]
    assert read_log(path)[-1]["loss"] == 0.5
    TrainingLog(path)
    assert read_log(path) == []


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"step": 1}\nnonsense\n{"step": 2}\n')
    with pytest.raises(WeightsError, match="line 2"):
        read_log(tmp_path / "log.jsonl")


def test_the_plot_shows_both_curves(tmp_path: Path) -> None:
    lines = [{"step": s, "loss": 1 / s} for s in range(1, 500)]
    plot_log(lines, tmp_path / "loss.svg")
    plot_log(
        [*lines, {"step": 250, "validation": 60.0}, {"step": 500, "validation": 70.0}], tmp_path / "both.svg"
    )
    plot_log([], tmp_path / "none.svg")
    curves = {}
    for name in ("loss", "both", "none"):
        root = ElementTree.parse(tmp_path / f"{name}.svg").getroot()
        curves[name] = {line.get("stroke"): line.get("points", "") for line in root.iter(f"{SVG}polyline")}
    assert set(curves["loss"]) == {LOSS_COLOUR}
    assert set(curves["both"]) == {LOSS_COLOUR, SCORE_COLOUR}
    assert not curves["none"]
    assert curves["both"][SCORE_COLOUR] == "480.0,492.0 896.0,40.0"  # half way at the bottom, the end on top
    assert len(curves["loss"][LOSS_COLOUR].split()) <= 200  # means, not every batch
