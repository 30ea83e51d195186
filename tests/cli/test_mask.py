"""Tests cli/first_mask.py too, beside what it is named after."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tests.cli.command import Command
from tests.small import moving_discs, overlap
from vosctl.cli.first_mask import box_segmenter
from vosctl.systems.choice import ModelChoice


def labels_of(path: str) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "P"
        return np.array(image)


def test_boxes_become_a_mask_without_a_page(
    vosctl: Command, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = moving_discs(12, objects=2)[1][0]
    boxes = []
    for object_id in (1, 2):
        rows, columns = (truth == object_id).nonzero()
        x, y = columns.min(), rows.min()
        boxes += ["--box", f"{object_id}={x},{y},{columns.max() + 1 - x},{rows.max() + 1 - y}"]
    result = vosctl.tracking("mask", clip, *boxes, "-o", "made.png")
    assert result.code == 0
    assert result.out.strip() == "made.png"
    assert "vosctl segment" in result.err
    assert "--mask made.png" in result.err
    found = labels_of("made.png")
    for object_id in (1, 2):
        assert overlap(found == object_id, truth == object_id) > 0.6
    loads: list[str] = []
    load = ModelChoice.load
    monkeypatch.setattr(ModelChoice, "load", lambda choice, at: loads.append(at) or load(choice, at))
    result = vosctl.tracking("segment", clip, *boxes, "-o", "out", "-q")
    assert result.code == 0
    assert loads == ["cpu"]
    assert np.array_equal(labels_of("out/00000.png"), found)
    assert np.array_equal(labels_of("clip_boxes.png"), found)


def test_a_later_frame_is_named_in_the_next_command(vosctl: Command, clip: Path) -> None:
    result = vosctl.tracking(
        "mask", clip, "--box", "18,11,36,36", "--frame", 3, "-o", "third.png", "--json", "-q"
    )
    assert result.code == 0
    content = json.loads(result.out)
    assert content["frame"] == 3
    assert content["objects"] == [1]
    assert content["next"].endswith("--mask 3=third.png")


def test_boxes_join_a_mask_that_exists(vosctl: Command, clip: Path) -> None:
    result = vosctl.tracking("mask", clip, "--mask", "first.png", "--box", "60,10,40,60", "-o", "more.png")
    assert result.code == 0
    before, after = labels_of("first.png"), labels_of("more.png")
    assert np.array_equal(after[before > 0], before[before > 0])
    assert set(np.unique(after)) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--box", "1,2,3"], "expected x,y,w,h"),
        (["--box", "1,2,0,3"], "at least 1"),
        (["--box", "150,2,20,3"], "inside the frame, which is 160x96"),
        (["--box", "1=1,1,5,5", "--box", "1=1,1,5,5"], "object 1 already"),
        (["--frame", "12"], "has 12 frames"),
        (["--mask", "none.png"], "none.png does not exist"),
        (["-o", "nowhere/first.png"], "no folder nowhere"),
        (["-o", "new.jpg"], "new.jpg: the picture is a PNG"),
    ],
)
def test_what_does_not_work_is_one_line(
    vosctl: Command, clip: Path, arguments: list[str], reason: str
) -> None:
    result = vosctl("mask", clip, "-o", "new.png", *arguments)
    assert result.code == 2
    assert reason in result.error
    assert not Path("new.png").exists()


def test_a_mask_that_exists_is_not_replaced_unasked(vosctl: Command, clip: Path) -> None:
    result = vosctl("mask", clip, "--box", "1,1,5,5")
    assert result.code == 2
    assert "first.png exists" in result.error


def test_a_stream_is_refused(vosctl: Command) -> None:
    for command in (["mask", "-", "--no-browser"], ["segment", "-", "--box", "1,1,5,5"]):
        result = vosctl(*command)
        assert result.code == 2
        assert "read only once" in result.error


def test_boxes_and_a_mask_of_the_first_frame_do_not_mix(vosctl: Command, clip: Path) -> None:
    result = vosctl.tracking("segment", clip, "--mask", "first.png", "--box", "1,1,5,5")
    assert result.code == 2
    assert "both of the first frame" in result.error


def test_a_port_that_is_taken_is_said(vosctl: Command, clip: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = vosctl("mask", clip, "-o", "new.png", "--port", port, "--no-browser")
    assert result.code == 2
    assert f"--port {port}: address already in use" in result.error


def test_the_page_without_a_screen_and_ctrl_c(vosctl: Command, clip: Path) -> None:
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    without_screen = {k: v for k, v in os.environ.items() if k not in screens}
    command = [sys.executable, "-m", "vosctl", "mask", str(clip), "-o", "new.png"]
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**without_screen, "PYTHONPATH": root}
    )
    assert process.stderr
    line = process.stderr.readline()
    url = re.search(r"http://127\.0\.0\.1:\d+/\S+", line)
    assert url, line
    with urllib.request.urlopen(f"{url[0]}state", timeout=10) as answer:
        assert json.load(answer)["width"] == 160
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(10) == 130
    assert "interrupted" in rest
    assert "Traceback" not in rest
    assert sorted(p.name for p in Path().iterdir() if "new" in p.name) == []


def test_a_mask_of_earlier_boxes_is_named(vosctl: Command, clip: Path) -> None:
    Path("clip_boxes.png").write_bytes(b"precious")
    result = vosctl.tracking("segment", clip, "--box", "1,1,5,5")
    assert "clip_boxes.png, where the boxes' mask goes, exists; give it with --mask" in result.error
    assert Path("clip_boxes.png").read_bytes() == b"precious"


def test_boxes_are_segmented_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most, loaded = 0, 0, 0

    def load(*_: object) -> SimpleNamespace:
        nonlocal loaded
        loaded += 1
        return SimpleNamespace(device="cpu")

    def segment_boxes(*_: object) -> np.ndarray:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.02)
        at_work -= 1
        return np.zeros((2, 2), np.uint8)

    monkeypatch.setattr("vosctl.systems.registry.load_box_network", lambda _: None)
    monkeypatch.setattr("vosctl.tracking.from_boxes.segment_boxes", segment_boxes)
    monkeypatch.setattr(ModelChoice, "load", load)
    segment = box_segmenter(lambda: ModelChoice().load("cpu"))
    threads = [threading.Thread(target=segment, args=(np.zeros((2, 2, 3), np.uint8), {})) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (loaded, most) == (1, 1)
