from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vosctl.errors import WeightsError
from vosctl.training.log import TrainingLog, read_log
from vosctl.training.plot import plot_log


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
    plot_log(lines, tmp_path / "loss.png")
    plot_log(
        [*lines, {"step": 250, "validation": 60.0}, {"step": 500, "validation": 70.0}], tmp_path / "both.png"
    )
    plot_log([], tmp_path / "none.png")
    colours = {}
    for name in ("loss", "both", "none"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            colours[name] = set(map(tuple, np.asarray(picture).reshape(-1, 3).tolist()))
    blue, red = (31, 119, 180), (214, 39, 40)
    assert blue in colours["loss"]
    assert red not in colours["loss"]
    assert {blue, red} <= colours["both"]
    assert not {blue, red} & colours["none"]
