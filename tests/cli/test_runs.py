"""Runs that are interrupted, corrected, run both ways, or end where an object is lost."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command
from tests.small import moving_discs, overlap
from vosctl.media.clip import ClipInfo, open_clip
from vosctl.media.palette import save_palette_png
from vosctl.media.video_writer import VideoWriter

# The command with a state every 8 frames: a short clip has several.
_START = "import vosctl.runs.run as r; r._FRAMES = 8; from vosctl.cli.app import main; main()"


SIZE = (96, 64)


def discs(frames: int = 12, objects: int = 2) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Pictures and their labels, smaller than other tests': there are many runs here."""
    return moving_discs(frames, SIZE, objects=objects, radius=12)


def results_in(folder: Path) -> dict[str, bytes]:
    """All that a run is for, its own files left aside."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".vosctl" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def labels_in(folder: Path) -> list[np.ndarray]:
    return [np.array(Image.open(path)) for path in sorted(folder.glob("*.png"))]


def write_clip(path: Path, frames: list[np.ndarray]) -> Path:
    height, width = frames[0].shape[:2]
    with VideoWriter(
        path, ClipInfo(path, width, height, None, None, has_audio=False, is_folder=False)
    ) as video:
        for frame in frames:
            video.write(np.ascontiguousarray(frame))
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """clip.mp4, 12 frames of two discs, and first.png, their mask."""
    frames, labels = discs()
    save_palette_png(tmp_path / "first.png", labels[0])
    return write_clip(tmp_path / "clip.mp4", frames)


def test_a_run_that_is_killed_again_and_again_gives_the_same(backbone: Path, tmp_path: Path) -> None:
    frames, labels = discs(60)
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
        errors = process.communicate(timeout=60)[1]
        assert process.returncode == 0, errors

    finish("whole")
    choose = random.Random(0)
    for masks in (2, 12, 27, 44):
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
    assert len(results_in(tmp_path / "again")) == 60 + 1 + 2 * 60
    with open_clip(tmp_path / "again.mp4") as one, open_clip(tmp_path / "whole.mp4") as other:
        pairs = list(zip(one, other, strict=True))
    assert len(pairs) == 60
    for drawn, wanted in pairs:  # not byte by byte: x264's own choices hang on timing
        assert drawn.time == wanted.time
        assert np.abs(drawn.rgb.astype(int) - wanted.rgb).mean() < 3
    reports = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("again", "whole")]
    assert reports[0]["per_frame"] == reports[1]["per_frame"]
    assert reports[0]["kept"] >= 40
    assert reports[1]["kept"] == 0
    assert not list(tmp_path.rglob("*.part*"))


def test_a_resumed_run_must_be_the_same_run(vosctl: Command, clip: Path) -> None:
    arguments = ["segment", clip, "-m", "first.png", "-o", "out", "--window", "4"]
    assert vosctl.tracking(*arguments).code == 0
    before = results_in(Path("out"))
    again = vosctl.tracking(*arguments, "--resume")
    assert again.code == 0
    assert "out: the run is complete" in again.err
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


def test_a_correction_gives_what_both_masks_would_have_given(
    vosctl: Command, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vosctl.runs.run._FRAMES", 4)
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
        (["--from-run", "out", "-m", "first.png", "--window", "4"], "--window is as it was in the run"),
        (["--from-run", "out", "-m", "first.png", "-o", "x"], "-o is as it was in the run"),
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


def test_an_interrupted_run_both_ways_goes_on(
    vosctl: Command, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vosctl.runs.backward._INTERVAL", 4)
    monkeypatch.setattr("vosctl.runs.run._FRAMES", 4)
    truth = discs()[1]
    save_palette_png(Path("m9.png"), truth[9])
    arguments = ["segment", clip, "-m", "9=m9.png", "--both-ways", "--window", "4"]
    assert vosctl.tracking(*arguments, "-o", "whole").code == 0

    from vosctl.runs.backward import BackwardPass

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
