"""Tests cli/running.py too, beside what it is named after."""

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command
from tests.cli.process import end, start
from tests.small import moving_discs, overlap
from vosctl.media.clip import ClipInfo, open_clip
from vosctl.media.video_writer import VideoWriter


def labels_in(folder: Path) -> list[np.ndarray]:
    return [np.array(Image.open(path)) for path in sorted(folder.glob("*.png"))]


def test_a_clip_gets_a_mask_for_every_frame(vosctl: Command, clip: Path) -> None:
    result = vosctl.tracking("segment", clip, "--mask", "first.png", "--report", "report.json")
    assert result.code == 0
    assert result.out == ""
    assert "first.png: palette, objects 1, 2, 160x96" in result.err
    assert "no refinement network in use" in result.err
    folder = clip.parent / "clip_masks"
    assert [p.name for p in sorted(folder.iterdir())] == [".vosctl", *(f"{i:05d}.png" for i in range(12))]
    truth = moving_discs(12, objects=2)[1]
    found = labels_in(folder)
    assert found[0].shape == (96, 160)
    assert np.array_equal(found[0], truth[0])
    assert overlap(found[6] == 1, truth[6] == 1) > 0.5
    assert overlap(found[6] == 2, truth[6] == 2) > 0.5
    report = json.loads((clip.parent / "report.json").read_text())
    assert report["frames"] == 12
    assert report["objects"] == [1, 2]
    assert report["size"] == report["network_size"] == [160, 96]
    assert report["device"] == "cpu"
    assert report["precision"] == "float32"
    assert report["broken"] is None
    assert report["seconds_to_first_mask"] > 0
    assert 0 < report["frames_per_second"] <= report["model_frames_per_second"]
    assert report["peak_memory_mb"] > 50


def test_a_folder_gives_the_same_and_keeps_its_stems(vosctl: Command, clip: Path) -> None:
    folder = clip.parent / "images"
    folder.mkdir()
    with open_clip(clip) as source:
        for frame in source:
            Image.fromarray(frame.rgb).save(
                folder / f"shot{frame.index + 8}.png"
            )  # shot8 .. shot19: natural sort
    assert vosctl.tracking("segment", clip, "-m", "first.png", "-o", "a", "-q").code == 0
    assert vosctl.tracking("segment", folder, "-m", "first.png", "-o", "b", "-q").code == 0
    assert {p.stem for p in Path("b").glob("*.png")} == {f"shot{i}" for i in range(8, 20)}
    for index, mask in enumerate(labels_in(Path("a"))):
        assert np.array_equal(mask, np.array(Image.open(f"b/shot{index + 8}.png")))


def test_quiet_says_nothing(vosctl: Command, clip: Path) -> None:
    result = vosctl.tracking("segment", clip, "--mask", "first.png", "--quiet", "--overlay", "o.mp4")
    assert (result.code, result.out, result.err) == (0, "", "")


def test_overlay_in_the_same_pass_has_every_frame(vosctl: Command, clip: Path) -> None:
    assert vosctl.tracking("segment", clip, "-m", "first.png", "--overlay", "o.mp4").code == 0
    with open_clip(Path("o.mp4")) as drawn, open_clip(clip) as source:
        pairs = list(zip(drawn, source, strict=True))
    assert len(pairs) == 12
    assert all(a.time == b.time for a, b in pairs)
    assert np.abs(pairs[5][0].rgb.astype(int) - pairs[5][1].rgb).mean() > 3


def test_variable_frame_times_odd_sizes_and_rotation_go_through(vosctl: Command, tmp_path: Path) -> None:
    frames, labels = moving_discs(8, (97, 61), radius=12)
    info = ClipInfo(tmp_path / "odd.mkv", 97, 61, 8, Fraction(25), has_audio=False, is_folder=False)
    times = [Fraction(n * n, 50) for n in range(8)]
    with VideoWriter(info.path, info) as video:
        for frame, when in zip(frames, times, strict=True):
            video.write(frame, when)
    with open_clip(info.path) as source:
        width, height = source.info.width, source.info.height
    mask = np.zeros((height, width), np.uint8)
    mask[:61, :97] = labels[0]
    Image.fromarray(mask * 255).save("m.png")
    assert vosctl.tracking("segment", info.path, "-m", "m.png", "-o", "out", "--overlay", "o.mp4").code == 0
    assert all(m.shape == (height, width) for m in labels_in(Path("out")))
    with open_clip(Path("o.mp4")) as drawn:
        got = [frame.time for frame in drawn]
    assert [float(t or 0) for t in got] == pytest.approx([float(t) for t in times], abs=2e-3)


def test_a_second_mask_joins_at_its_frame(vosctl: Command, clip: Path) -> None:
    truth = moving_discs(12, objects=2)[1]
    Image.fromarray((truth[0] == 1).astype(np.uint8)).save("one.png")
    Image.fromarray(np.where(truth[5] == 2, 9, 0).astype(np.uint8)).save("nine.png")
    result = vosctl.tracking("segment", clip, "-m", "one.png", "-m", "5=nine.png", "-o", "out")
    assert result.code == 0
    assert "nine.png: gray ids, object 9, 160x96, from frame 5 on" in result.err
    found = labels_in(Path("out"))
    assert not any((mask == 9).any() for mask in found[:5])
    assert overlap(found[7] == 9, truth[7] == 2) > 0.5


def test_variants_and_low_latency(vosctl: Command, clip: Path) -> None:
    options = ["--variant", "d-only", "--variant", "no-update", "--window", "low-latency", "--max-size", "80"]
    assert vosctl.tracking("segment", clip, "-m", "first.png", "--report", "r.json", *options).code == 0
    assert json.loads(Path("r.json").read_text())["network_size"] == [80, 48]


def test_a_truncated_clip_keeps_what_came_before(vosctl: Command, clip: Path) -> None:
    frames, _ = moving_discs(60, objects=2)
    whole = Path("whole.mp4")
    with VideoWriter(whole, ClipInfo(whole, 160, 96, 60, None, has_audio=False, is_folder=False)) as video:
        for frame in frames:
            video.write(frame)
    data = whole.read_bytes()
    Path("cut.mp4").write_bytes(data[: len(data) * 6 // 10])
    result = vosctl.tracking("segment", "cut.mp4", "-m", "first.png", "-o", "out", "--overlay", "o.mp4")
    assert result.code == 3
    assert "cut.mp4" in result.error
    masks = labels_in(Path("out"))
    assert 5 < len(masks) < 60
    with open_clip(Path("o.mp4")) as drawn:
        assert sum(1 for _ in drawn) == len(masks)


def test_ctrl_c_leaves_whole_files(clip: Path, backbone: Path, tmp_path: Path) -> None:
    frames, _ = moving_discs(400, objects=2)
    long = tmp_path / "long.mp4"
    with VideoWriter(long, ClipInfo(long, 160, 96, 400, None, has_audio=False, is_folder=False)) as video:
        for frame in frames:
            video.write(frame)
    # A shell starts what it puts into the background with SIGINT ignored; tests may run there.
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    start += "from vosctl.cli.app import main; main()"
    command = [sys.executable, "-c", start, "segment", str(long), "--mask", "first.png", "-o", "out"]
    command += ["--overlay", "o.mp4", "--backbone-weights", str(backbone), "--window", "2", "--device", "cpu"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list((tmp_path / "out").glob("*.png"))) < 10:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "--resume" in errors  # how to go on
    left = sorted(path.name for path in (tmp_path / "out").iterdir() if path.name != ".vosctl")
    assert left == [f"{i:05d}.png" for i in range(len(left))]
    assert 10 <= len(left) < 400
    for path in (tmp_path / "out").glob("*.png"):
        with Image.open(path) as image:
            image.load()
    with av.open(tmp_path / "o.mp4") as container:
        assert sum(1 for _ in container.decode(video=0)) > 0


def test_bad_input_is_one_line_and_exit_code_2(vosctl: Command, clip: Path) -> None:
    size = (160, 96)
    Image.new("L", (10, 10), 255).save("small.png")
    Image.new("L", size, 0).save("empty.png")
    Image.fromarray(np.tile(np.arange(160, dtype=np.uint8), (96, 1))).save("soft.png")
    Image.fromarray(np.full((96, 160), 300, np.uint16)).save("big_id.png")
    Path("text.mp4").write_text("not a video")
    Path("full").mkdir()
    Path("full/keep.txt").write_text("x")
    Path("broken.pth").write_bytes(b"PK\x03\x04 not really")
    Path("file").write_text("x")
    Path("o.mp4").write_text("precious")
    first = ["-m", "first.png"]
    cases: list[tuple[list[object], list[str]]] = [
        (["segment", "nowhere.mp4", *first], ["nowhere.mp4", "does not exist"]),
        (["segment", "text.mp4", *first], ["text.mp4"]),
        (["segment", clip], ["--mask FILE"]),
        (["segment", clip, "-m", "nowhere.png"], ["nowhere.png"]),
        (["segment", clip, "-m", "small.png"], ["small.png", "10x10", "160x96"]),
        (["segment", clip, "-m", "empty.png"], ["empty.png", "no object"]),
        (["segment", clip, "-m", "soft.png"], ["soft.png", "160"]),
        (["segment", clip, "-m", "big_id.png"], ["big_id.png", "300", "254"]),
        (["segment", clip, *first, "-m", "first.png"], ["second mask for frame 0"]),
        (["segment", clip, *first, "-o", "full"], ["full is not empty", "--overwrite"]),
        (["segment", clip, *first, "-o", "file"], ["file is a file"]),
        (["segment", clip, *first, "-o", "file/inside"], ["file/inside"]),
        (["segment", clip, *first, "--overlay", "o.mp4"], ["o.mp4 exists", "--overwrite"]),
        (["segment", clip, *first, "--report", "no/r.json"], ["no/r.json", "no folder no"]),
        (["segment", clip, *first, "--overlay", "o.xyz"], ["o.xyz", ".mp4"]),
        (["segment", clip, *first, "--report", "first.png"], ["first.png: the report is JSON"]),
        (
            ["segment", clip, *first, "--overlay", "x.mkv", "-o", "x.mkv", "--format", "label-video"],
            ["x.mkv is named for the masks and for the overlay"],
        ),
        (["segment", clip, *first, "--model", "frtm-rn19"], ["frtm-rn19", "did you mean frtm-rn18"]),
        (["segment", clip, *first, "--model", "broken.pth"], ["broken.pth"]),
        (["segment", clip, *first, "--window", "some"], ["--window some"]),
        (["segment", clip, *first, "--window", "0"], ["--window 0"]),
        (["segment", clip, *first, "--window", "9" * 5000], ["--window 9"]),
        (["segment", clip, *first, "--variant", "fast"], ["--variant fast"]),
        (["segment", clip, *first, "--max-size", "3"], ["--max-size", "32"]),
    ]
    for arguments, expected in cases:
        result = vosctl.tracking(*arguments)
        assert result.code == 2, arguments
        for part in expected:
            assert part in result.error, (arguments, result.error)
    result = vosctl("segment", clip, *first, "--backbone-weights", "broken.pth")
    assert result.code == 2
    assert "broken.pth" in result.error
    assert Path("o.mp4").read_text() == "precious"
    assert not list(clip.parent.glob("**/.*part*"))


@pytest.mark.parametrize(
    ("mask", "found"), [((), "no mask given"), (("--mask", "none.png"), "none.png: no such file")]
)
def test_a_missing_mask_is_said_before_torch_is_imported(
    vosctl: Command, clip: Path, mask: tuple[str, ...], found: str
) -> None:
    code, _, errors = end(
        start("segment", clip, *mask, setup="sys.modules['torch'] = None")
    )  # cannot be imported
    assert code == 2
    assert len(errors) == 1
    for part in (found, "vosctl mask", "--box"):
        assert part in errors[0]


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="there is a CUDA device here")
def test_cuda_where_there_is_none(vosctl: Command, clip: Path) -> None:
    result = vosctl(
        "segment", clip, "-m", "first.png", "--backbone-weights", vosctl.backbone, "--device", "cuda:1"
    )
    assert result.code == 2
    assert "--device cuda:1" in result.error
    assert "no CUDA device" in result.error


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(vosctl: Command, clip: Path) -> None:
    locked = Path("locked")
    locked.mkdir(mode=0o500)
    result = vosctl.tracking("segment", clip, "-m", "first.png", "-o", "locked/out")
    assert result.code == 2
    assert "locked/out" in result.error


def test_debug_scores_are_pictures_of_the_frames_without_a_mask(
    vosctl: Command, clip: Path, tmp_path: Path
) -> None:
    arguments = ("segment", clip, "--mask", "first.png", "-o", "masks", "--debug-scores", "scores")
    assert vosctl.tracking(*arguments, "--quiet").code == 0
    pictures = sorted((tmp_path / "scores").iterdir())
    names = ["00000_samples.png", *(f"{index:05d}.png" for index in range(1, 12))]
    assert [path.name for path in pictures] == names
    with Image.open(pictures[1]) as picture:
        assert picture.width == 2 * 326 + 6


def test_the_summary_says_why_the_dtype_is_what_it_is(vosctl: Command, clip: Path) -> None:
    result = vosctl.tracking(
        "segment", clip, "-m", "first.png", "-o", "out", "--max-size", 32, "--report", "r.json"
    )
    assert result.code == 0, result.err
    assert "cpu, float32 (as asked)" in result.err
    assert json.loads(Path("r.json").read_text())["precision_reason"] == "as asked"
