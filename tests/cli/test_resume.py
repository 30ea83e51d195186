"""Runs that are interrupted and go on.

VOSCTL_TEST_KILLS=30 pytest tests/cli/test_resume.py -k killed: so many kills of a longer run, with states as
often as users have them.

Tests job/run.py too.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command
from tests.cli.small_runs import discs, labels_in, results_in, write_clip, write_clip_and_mask
from vosctl.media.clip import open_clip
from vosctl.media.palette import save_palette_png

_KILLS = int(os.environ.get("VOSCTL_TEST_KILLS", "4"))
_TIMES = 1 if _KILLS == 4 else 3  # there and back, so often
_FRAMES = 60 if _TIMES == 1 else 120 * _TIMES
# The command with a state every 8 frames: a short clip has several.
_EVERY_8 = "import vosctl.job.run as r; r._FRAMES = 8; " if _KILLS == 4 else ""
_START = f"{_EVERY_8}from vosctl.cli.app import main; main()"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip_and_mask(tmp_path)


def test_a_run_that_is_killed_again_and_again_gives_the_same(backbone: Path, tmp_path: Path) -> None:
    frames, labels = discs(60)
    if _TIMES > 1:
        frames = [*frames, *reversed(frames)] * _TIMES
    clip = write_clip(tmp_path / "clip.mp4", frames)
    save_palette_png(tmp_path / "first.png", np.where(labels[0] == 2, 2, 0).astype(np.uint8))
    save_palette_png(tmp_path / "later.png", labels[21])
    command = [sys.executable, "-c", _START, "segment", str(clip), "--mask", "first.png"]
    command += ["--mask", "21=later.png", "--backbone-weights", str(backbone), "--device", "cpu", "--quiet"]
    command += ["--format", "palette", "--format", "coco", "--format", "soft", "--resume"]

    def start(name: str) -> subprocess.Popen[str]:
        own = ["-o", name, "--overlay", f"{name}.mp4", "--report", f"{name}.json"]
        return subprocess.Popen([*command, *own], cwd=tmp_path, stderr=subprocess.PIPE, text=True)

    def finish(name: str) -> None:
        process = start(name)
        errors = process.communicate(timeout=300)[1]
        assert process.returncode == 0, errors

    finish("whole")
    choose = random.Random(0)
    for masks in (2, 12, 27, 44) if _KILLS == 4 else sorted(choose.choices(range(_FRAMES), k=_KILLS)):
        process = start("again")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if len(list((tmp_path / "again").glob("palette/0*.png"))) >= masks:
                break
            time.sleep(0.002)
        time.sleep(choose.uniform(0, 0.05))
        process.kill()
        process.communicate()
    finish("again")
    assert results_in(tmp_path / "again") == results_in(tmp_path / "whole")
    assert len(results_in(tmp_path / "again")) == _FRAMES + 1 + 2 * _FRAMES
    with open_clip(tmp_path / "again.mp4") as one, open_clip(tmp_path / "whole.mp4") as other:
        pairs = list(zip(one, other, strict=True))
    assert len(pairs) == _FRAMES
    for drawn, wanted in pairs:  # not byte by byte: x264's own choices hang on timing
        assert drawn.time == wanted.time
        assert np.abs(drawn.rgb.astype(int) - wanted.rgb).mean() < 3
    reports = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("again", "whole")]
    assert reports[0]["per_frame"] == reports[1]["per_frame"]
    assert reports[0]["kept"] >= 40
    assert reports[1]["kept"] == 0
    assert not list(tmp_path.rglob("*.part*"))
    assert not list(tmp_path.rglob("*.lock"))


def test_a_resumed_run_must_be_the_same_run(vosctl: Command, clip: Path) -> None:
    arguments = ["segment", clip, "-m", "first.png", "-o", "out", "--window", "4"]
    assert vosctl.tracking(*arguments, "--report", "r.json").code == 0
    before = results_in(Path("out"))
    assert "out is not empty" in (in_the_way := vosctl.tracking(*arguments).error)
    assert "to go on with the run there: --resume" in in_the_way
    again = vosctl.tracking(*arguments, "--resume", "--report", "again.json", "--json")
    assert again.code == 0
    assert "out: the run is complete" in again.err
    report = json.loads(Path("r.json").read_text())
    assert json.loads(Path("again.json").read_text()) == report
    del report["per_frame"]
    assert report.items() <= json.loads(again.out).items()
    other = np.array(Image.open("first.png"))
    other[:4] = 1
    save_palette_png(Path("other.png"), other)
    longer = write_clip(Path("longer.mp4"), discs(14)[0])
    cases: list[tuple[list[object], str]] = [
        ([*arguments[:-1], "8"], "--window is 8 now, but the run there began with 4"),
        ([*arguments, "--max-size", "80"], "--max-size is 80 now, but the run there began with not set"),
        ([*arguments, "--variant", "no-update"], "--variant no-update is on now"),
        ([*arguments, "--both-ways"], "--both-ways is on now"),
        ([*arguments, "--overlay", "o.mp4"], "--overlay is"),
        (["segment", longer, *arguments[2:]], "the clip is 96x64"),
        ([*arguments[:3], "other.png", *arguments[4:]], "the mask of frame 0 is different"),
        ([*arguments, "-m", "5=other.png"], "the mask of frame 5 is new"),
    ]
    for case, expected in cases:
        result = vosctl.tracking(*case, "--resume")
        assert result.code == 2
        assert expected in result.error
        assert "--overwrite" in result.error
    assert results_in(Path("out")) == before
    assert "--window" in vosctl.tracking("segment", clip, "-m", "first.png", "-o", "out", "--resume").error


def test_resume_where_nothing_was_begun_begins(vosctl: Command, clip: Path) -> None:
    Path("out/.vosctl").mkdir(parents=True)  # killed before it wrote anything
    assert vosctl.tracking("segment", clip, "-m", "first.png", "-o", "out", "--resume").code == 0
    assert len(labels_in(Path("out"))) == 12
    Path("other").mkdir()
    Path("other/mine.txt").touch()
    result = vosctl.tracking("segment", clip, "-m", "first.png", "-o", "other", "--resume")
    assert result.code == 2
    assert "other is not empty" in result.error
    assert "the run there" not in result.error


def test_a_single_file_keeps_its_record_beside_it(vosctl: Command, clip: Path) -> None:
    arguments = ["segment", clip, "-m", "first.png", "--format", "coco", "-o", "out.json"]
    assert vosctl.tracking(*arguments).code == 0
    before = json.loads(Path("out.json").read_text())
    assert "complete" in vosctl.tracking(*arguments, "--resume").err
    Path("out.json").unlink()
    assert vosctl.tracking(*arguments, "--resume").code == 0  # made anew, the tracking is not
    assert json.loads(Path("out.json").read_text()) == before
    assert vosctl("segment", "--from-run", "out.json", "-m", "5=first.png").code == 0
    assert json.loads(Path("out.json").read_text()) != before
