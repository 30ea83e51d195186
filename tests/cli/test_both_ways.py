"""Runs from the masks in both directions.

Tests job/backward.py too.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command
from tests.cli.small_runs import discs, labels_in, results_in, write_clip_and_mask
from tests.small import overlap
from vosctl.media.palette import save_palette_png


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip_and_mask(tmp_path)


def test_both_ways_reaches_back_and_blends_between_two_masks(vosctl: Command, clip: Path) -> None:
    truth = discs()[1]
    save_palette_png(Path("m4.png"), np.where(truth[4] == 1, 1, 0).astype(np.uint8))
    save_palette_png(Path("m8.png"), truth[8])
    arguments = ["segment", clip, "-m", "4=m4.png", "-m", "8=m8.png", "--both-ways", "--report", "r.json"]
    result = vosctl.tracking(*arguments, "-o", "out", "--format", "palette", "--format", "soft")
    assert result.code == 0, result.err
    found = labels_in(Path("out/palette"))
    assert len(found) == 12
    assert np.array_equal(found[4] == 1, truth[4] == 1)
    assert np.array_equal(found[8], truth[8])
    for index in (1, 6):
        for object_id in (1, 2):
            assert overlap(found[index] == object_id, truth[index] == object_id) > 0.5, (index, object_id)
    assert not Path("out/.vosctl/backward").exists()
    report = json.loads(Path("r.json").read_text())
    assert [set(frame["objects"]) for frame in report["per_frame"]] == [{"1", "2"}] * 12
    soft = np.array(Image.open("out/soft/1/00006.png"))
    assert set(np.unique(soft)) - {0, 255}

    forward = vosctl.tracking("segment", clip, "-m", "4=m4.png", "-m", "8=m8.png", "-o", "forward")
    assert forward.code == 0
    only = labels_in(Path("forward"))
    assert not any(mask.any() for mask in only[:4])
    for index in range(8, 12):
        assert np.array_equal(only[index], found[index])


def test_a_correction_both_ways_reaches_back_to_the_mask_before(vosctl: Command, clip: Path) -> None:
    truth = discs()[1]
    swapped = np.array([0, 2, 1], np.uint8)
    save_palette_png(Path("m2.png"), truth[2])
    save_palette_png(Path("m9.png"), swapped[truth[9]])
    save_palette_png(Path("m6.png"), truth[6])
    arguments = ["segment", clip, "-m", "2=m2.png", "-m", "9=m9.png", "--both-ways"]
    assert vosctl.tracking(*arguments, "-o", "out").code == 0
    before = results_in(Path("out"))
    result = vosctl("segment", "--from-run", "out", "-m", "6=m6.png")
    assert result.code == 0, result.err
    after = results_in(Path("out"))
    assert [name for name in sorted(after) if after[name] == before[name]][:3] == [
        f"0000{i}.png" for i in range(3)
    ]
    assert vosctl.tracking(*arguments, "-m", "6=m6.png", "-o", "all").code == 0
    every = results_in(Path("all"))
    assert all(after[f"{index:05d}.png"] == every[f"{index:05d}.png"] for index in range(3, 12))
    assert after["00005.png"] != before["00005.png"]
    late = vosctl.tracking("segment", clip, "-m", "40=m2.png", "--both-ways", "-o", "late")
    assert late.code == 2
    assert "a mask was given for frame 40, but the clip has 12 frames" in late.error
    assert "clip.mp4 seems to have 12 frames, counted from 0: is 40 right?" in late.err


def test_an_interrupted_run_both_ways_goes_on(
    vosctl: Command, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vosctl.job.backward._INTERVAL", 4)
    monkeypatch.setattr("vosctl.job.run._FRAMES", 4)
    truth = discs()[1]
    save_palette_png(Path("m9.png"), truth[9])
    arguments = ["segment", clip, "-m", "9=m9.png", "--both-ways", "--window", "4"]
    assert vosctl.tracking(*arguments, "-o", "whole").code == 0

    from vosctl.job.backward import BackwardPass

    for name in ("_write", "combine"):  # in the pass backwards, and then in the one forwards
        original, calls = getattr(BackwardPass, name), 0

        def interrupt(*given: object, original=original) -> object:  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += 1
            if calls == 7:
                raise KeyboardInterrupt
            return original(*given)

        with monkeypatch.context() as patch:
            patch.setattr(BackwardPass, name, interrupt)
            result = vosctl.tracking(*arguments, "-o", "out", "--resume")
        assert result.code == 130
        assert "--resume" in result.err
    assert vosctl.tracking(*arguments, "-o", "out", "--resume").code == 0
    assert results_in(Path("out")) == results_in(Path("whole"))
