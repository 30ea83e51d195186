"""Tests job/batch/engines.py too, beside what it is named after."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command
from tests.small import moving_discs
from vosctl.cli.several import requests_of_clips, requests_of_jobs
from vosctl.errors import JobsError
from vosctl.job.request import MaskAt, Request
from vosctl.media.clip import ClipInfo
from vosctl.media.video_writer import VideoWriter
from vosctl.systems.choice import ModelChoice
from vosctl.systems.settings import TrackerSettings

PATTERN = Request(Path(), (), Path(), ModelChoice(), TrackerSettings())


@pytest.fixture
def clips(vosctl: Command, clip: Path) -> list[Path]:
    """Two whole clips with masks in `given`, one that is no clip, and one without a mask."""
    folder = clip.parent / "clips"
    folder.mkdir()
    Path("given").mkdir()
    for name in ("a", "b"):
        shutil.copy(clip, folder / f"{name}.mp4")
        shutil.copy("first.png", f"given/{name}.png")
    (folder / "bad.mp4").write_text("no clip")
    shutil.copy("first.png", "given/bad.png")
    shutil.copy(clip, folder / "without.mp4")
    return sorted(folder.iterdir())


def test_one_failing_clip_does_not_stop_the_rest(vosctl: Command, clips: list[Path]) -> None:
    shutil.copytree(clips[0].parent, "frames-of")  # not looked at
    options = ["--masks-from", "given", "-o", "out", "--overlay", "drawn", "--json", "--report", "r.json"]
    result = vosctl.tracking("segment", *clips, *options)
    assert result.code == 1
    assert "2 of 4 clips failed: " in result.error
    assert "without.mp4: no mask in given" in result.error
    found = json.loads(result.out)
    assert (found["exit_code"], found["done"], found["failed"], found["skipped"]) == (1, 2, 2, 0)
    by_name = {Path(outcome["clip"]).stem: outcome for outcome in found["clips"]}
    assert {name: outcome["status"] for name, outcome in by_name.items()} == {
        "a": "done",
        "b": "done",
        "bad": "failed",
        "without": "failed",
    }
    assert "bad.mp4" in by_name["bad"]["error"]
    assert by_name["bad"]["attempts"] == 1
    assert by_name["a"]["summary"]["frames"] == 12
    assert found["frames"] == 24
    assert {key: found[key] for key in json.loads(Path("r.json").read_text())} == json.loads(
        Path("r.json").read_text()
    )
    for index in range(12):
        a, b = (np.asarray(Image.open(f"out/{name}/{index:05d}.png")) for name in "ab")
        assert np.array_equal(a, b)
    assert sorted(path.name for path in Path("drawn").iterdir()) == ["a.mp4", "b.mp4"]
    assert not Path("out/bad").exists()


def test_after_ctrl_c_json_is_whole_and_resume_goes_on(vosctl: Command, clip: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.mp4"
    frames, _ = moving_discs(400, objects=2)
    with VideoWriter(long, ClipInfo(long, 160, 96, 400, None, has_audio=False, is_folder=False)) as video:
        for frame in frames:
            video.write(frame)
    Path("given").mkdir()
    for name in ("clip", "long"):
        shutil.copy("first.png", f"given/{name}.png")
    # A shell starts what it puts into the background with SIGINT ignored; tests may run there.
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    start += "from vosctl.cli.app import main; main()"
    command = [sys.executable, "-c", start, "segment", "clip.mp4", "long.mp4", "--masks-from", "given"]
    command += ["-o", "out", "--json", "--backbone-weights", str(vosctl.backbone), "--device", "cpu"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list(Path("out/long").glob("*.png"))) < 10:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    (line,) = out.splitlines()
    found = json.loads(line)
    assert found["exit_code"] == 130
    assert "to go on: add --resume" in found["error"]
    assert [(Path(one["clip"]).name, one["status"]) for one in found["clips"]] == [("clip.mp4", "done")]
    made = len(list(Path("out/long").glob("*.png")))
    assert 10 <= made < 400
    cut = json.loads(subprocess.run([*command, "--resume"], capture_output=True, check=True).stdout)
    assert [one["status"] for one in cut["clips"]] == ["skipped", "done"]
    assert len(list(Path("out/long").glob("*.png"))) == 400


def test_a_list_resumes_what_is_finished(vosctl: Command, clips: list[Path], tmp_path: Path) -> None:
    text = "clip,mask,output,max-size\nclips/a.mp4,given/a.png,out/a,\nclips/b.mp4,first.png,out/b,80\n"
    Path("jobs.csv").write_text(text)
    assert vosctl.tracking("segment", "clips/a.mp4", "-m", "given/a.png", "-o", "out/a", "-q").code == 0
    before = Path("out/a/00003.png").stat().st_mtime_ns
    result = vosctl.tracking("segment", "--jobs", "jobs.csv", "--resume", "--json")
    assert result.code == 0, result.err
    a, b = json.loads(result.out)["clips"]
    assert (a["status"], a["summary"]["frames"], b["status"]) == ("skipped", 12, "done")
    assert b["summary"]["network_size"] == [80, 48]
    assert Path("out/a/00003.png").stat().st_mtime_ns == before
    lines = [line.split()[:3] for line in result.err.splitlines()]
    assert ["clips/a.mp4", "skipped", "12"] in lines


def test_tasks_of_clips_have_their_masks_and_places(clips: list[Path]) -> None:
    requests, failures = requests_of_clips(clips, Path("given"), None, PATTERN)
    assert [(request.clip.stem, request.output) for request in requests] == [
        ("a", Path("a_masks")),
        ("b", Path("b_masks")),
        ("bad", Path("bad_masks")),
    ]
    assert requests[1].masks == (MaskAt(0, Path("given/b.png")),)
    assert [Path(failure.clip).stem for failure in failures] == ["without"]
    with pytest.raises(JobsError, match=r"clips/a\.mp4: a_masks is the output of other/a\.mkv too"):
        requests_of_clips([Path("other/a.mkv"), Path("clips/a.mp4")], Path("given"), None, PATTERN)


def test_tasks_of_jobs_fill_in_what_an_entry_leaves_open(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("clip,mask,output,model,max-size\na.mp4,a.png,,,\nb.mp4,b.png,here/b,frtm-rn50,64\n")
    first, second = requests_of_jobs(path, False, None, PATTERN)
    assert first.output == tmp_path / "a_masks"
    assert (first.model.name, first.settings.max_size) == (None, None)
    assert second.output == tmp_path / "here" / "b"
    assert (second.model.name, second.settings.max_size) == ("frtm-rn50", 64)
    first, second = requests_of_jobs(path, False, Path("out"), PATTERN)
    assert (first.output, second.output) == (Path("out/a"), tmp_path / "here" / "b")


def test_nobody_is_told_an_addresss_secrets(vosctl: Command, clip: Path) -> None:
    addresses = ["rtsp://user:word@camera//1", "rtsp://user:word@127.0.0.1:9/2"]
    Path("given").mkdir()
    shutil.copy("first.png", "given/rtsp-127.0.0.1-9-2.png")
    result = vosctl.tracking("segment", *addresses, "--masks-from", "given", "--report", "r.json", "--json")
    assert result.code == 1
    told = result.out + result.err + Path("r.json").read_text()
    assert "rtsp://camera//1: no mask in given" in told
    assert "rtsp://127.0.0.1:9/2 cannot be opened" in told
    assert "word" not in told
    alone = vosctl("segment", addresses[0], "--box", "1,1,2,2")
    assert "rtsp://camera//1 can be read only once" in alone.error
    assert "rtsp://127.0.0.1:9/2 cannot be opened" in vosctl("inspect", addresses[1]).error


def test_what_does_not_go_together(vosctl: Command, clips: list[Path]) -> None:
    Path("jobs.csv").write_text("clip,mask\n../a.mp4,first.png\n")
    cases: list[tuple[list[object], str]] = [
        ([], "no clip given"),
        ([*clips, "-m", "first.png"], "--mask is of one clip"),
        ([*clips], "--masks-from DIR, or --jobs FILE"),
        (["--masks-from", "given"], "either CLIP..."),
        ([*clips, "--jobs", "jobs.csv"], "either CLIP..."),
        (["--jobs", "jobs.csv"], "jobs.csv line 2: clip '../a.mp4' lies outside ."),
        ([*clips, "--masks-from", "given", "--device", "cuda:77"], "--device cuda:77"),
        ([*clips, "--masks-from", "given", "--report", "no/r.json"], "no/r.json: there is no folder no"),
        ([*clips, "--masks-from", "given", "--engine", "sun"], "--engine sun: not known"),
        ([*clips, *clips, "--masks-from", "given"], "is the output of"),
    ]
    for arguments, message in cases:
        result = vosctl("segment", *arguments)
        assert result.code == 2
        assert message in result.error, arguments
