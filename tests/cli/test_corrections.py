"""Runs that are corrected, and that end where an object is lost and a correction is due.

Tests job/resume/folder.py too.

Tests cli/correction.py too.
"""

import json
from pathlib import Path

import av
import numpy as np
import pytest

from tests.cli.command import Command
from tests.cli.small_runs import discs, labels_in, results_in, write_clip, write_clip_and_mask
from tests.small import overlap
from vosctl.media.clip import open_clip
from vosctl.media.palette import save_palette_png


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip_and_mask(tmp_path)


def test_a_correction_gives_what_both_masks_would_have_given(
    vosctl: Command, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vosctl.job.run._FRAMES", 4)
    truth = discs()[1]
    wrong = np.where(truth[0] == 2, 1, 0).astype(np.uint8)  # object 1 is drawn on the other disc
    save_palette_png(Path("wrong.png"), wrong)
    save_palette_png(Path("fix.png"), np.where(truth[6] == 1, 1, 0).astype(np.uint8))
    save_palette_png(Path("second.png"), np.where(truth[9] == 2, 7, 0).astype(np.uint8))
    formats = ["--format", "palette", "--format", "coco", "--window", "4"]
    tracked = ["segment", clip, "-m", "wrong.png", *formats]
    assert vosctl.tracking(*tracked, "-o", "out", "--overlay", "o.mp4").code == 0
    first = labels_in(Path("out/palette"))
    Path("out/palette/00002.png").write_bytes(b"kept as it is")  # to be seen: it is not written again
    Path("out/palette/00002.png").unlink()
    save_palette_png(Path("out/palette/00002.png"), np.full((64, 96), 9, np.uint8))

    result = vosctl("segment", "--from-run", "out", "-m", "6=fix.png", "--report", "r.json")
    assert result.code == 0, result.err
    assert "fix.png: palette, object 1, 96x64, from frame 6 on" in result.err
    assert "wrong.png" not in result.err
    assert json.loads(Path("r.json").read_text())["kept"] == 6
    assert vosctl("segment", "--from-run", "out", "-m", "9=second.png").code == 0  # corrections accumulate

    every = ["-m", "6=fix.png", "-m", "9=second.png"]
    assert vosctl.tracking(*tracked, *every, "-o", "both", "--overlay", "b.mp4").code == 0
    corrected, expected = labels_in(Path("out/palette")), labels_in(Path("both/palette"))
    assert (corrected.pop(2) == 9).all()
    expected.pop(2)
    assert len(corrected) == 11
    for found, wanted in zip(corrected, expected, strict=True):
        assert np.array_equal(found, wanted)
    assert np.array_equal(corrected[4], first[5])
    assert overlap(corrected[7] == 1, truth[8] == 1) > 0.5
    assert overlap(first[8] == 1, truth[8] == 1) < 0.2
    coco = json.loads(Path("out/coco.json").read_text())
    assert {one["category_id"] for one in coco["annotations"]} == {1, 7, 9}
    with av.open("o.mp4") as container:
        assert sum(1 for _ in container.decode(video=0)) == 12


def test_wrong_uses_of_from_run(vosctl: Command, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert vosctl.tracking("segment", clip, "-m", "first.png", "-o", "out").code == 0
    cases: list[tuple[list[object], str]] = [
        (["--from-run", "out"], "give the correction with --mask"),
        (["--from-run", "nowhere", "-m", "first.png"], "nowhere holds no record of a run"),
        (["--from-run", "out", "-m", "first.png", "--window", "4"], "leave out --window"),
        (["--from-run", "out", "-m", "first.png", "-o", "x"], "leave out -o"),
        (["--from-run", "out", "-m", "3=first.png", "--debug-scores", "s"], "leave out --debug-scores"),
        (["--from-run", "out", "--jobs", "jobs.csv", "-m", "3=first.png"], "leave out --jobs"),
        (["--from-run", "out", "-m", "3=first.png", "-m", "3=first.png"], "two masks for one frame"),
        (["--from-run", "out", "-m", "40=first.png"], "40"),
        (["-m", "first.png"], "no clip given"),
    ]
    for arguments, expected in cases:
        result = vosctl("segment", *arguments)
        assert result.code == 2
        assert expected in result.error
    with monkeypatch.context() as patch:  # for new runs: no contradiction
        patch.setenv("VOSCTL_MAX_SIZE", "64")
        assert vosctl("segment", "--from-run", "out", "-m", "11=first.png").code == 0
    clip.unlink()
    assert "clip.mp4" in vosctl("segment", "--from-run", "out", "-m", "3=first.png").error
    Path("out/.vosctl/run.json").write_text("{}")
    assert "damaged" in vosctl("segment", "--from-run", "out", "-m", "3=first.png").error


def test_the_run_ends_where_an_object_is_lost(vosctl: Command, tmp_path: Path) -> None:
    frames, labels = discs(20, objects=1)
    ground = np.random.default_rng(0).integers(90, 130, (*labels[0].shape, 1), np.uint8).repeat(3, 2)
    clip = write_clip(tmp_path / "gone.mp4", [*frames[:7], *[ground] * 6, *frames[13:]])
    save_palette_png(tmp_path / "first.png", labels[0])
    arguments = ["segment", clip, "-m", "first.png", "--overlay", "o.mp4", "--report", "r.json"]
    result = vosctl.tracking(*arguments, "--stop-when-lost", "-o", "out")
    assert result.code == 4
    lost = len(labels_in(Path("out"))) - 1
    assert 7 <= lost < 13
    assert f"stopped: object 1 lost at frame {lost}" in result.err
    assert f"vosctl segment --from-run out --mask {lost}=FILE" in result.err
    report = json.loads(Path("r.json").read_text())
    assert report["frames"] == len(report["per_frame"]) == lost + 1
    assert report["lost"] == [{"object_id": 1, "first": lost, "last": lost}]
    assert report["per_frame"][0]["objects"]["1"] == {"confidence": 1.0, "area": int(labels[0].sum())}
    with open_clip(Path("o.mp4")) as drawn:
        assert sum(1 for _ in drawn) == lost + 1
    before = results_in(Path("out"))

    save_palette_png(tmp_path / "again.png", labels[14])
    result = vosctl("segment", "--from-run", "out", "-m", "14=again.png", "--report", "r.json")
    assert result.code == 0
    assert "complete" in vosctl("segment", "--from-run", "out", "--resume").err
    found = labels_in(Path("out"))
    assert len(found) == 20
    assert overlap(found[17] == 1, labels[17] == 1) > 0.5
    after = results_in(Path("out"))
    assert all(after[name] == content for name, content in before.items())
    assert json.loads(Path("r.json").read_text())["lost"][0]["first"] == lost
