"""Streams in and out of the command.

Tests media/stream_clip.py too.
"""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np
import pytest

from tests.cli.command import Command
from tests.small import moving_discs
from vosctl.masks.label_video import read_label_video

SMALL = ["--mask", "first.png", "--max-size", "80", "--window", "low-latency"]
START = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
START += "from vosctl.cli.app import main; main()"


def stream(form: str, frames: int = 12, name: str = "stream", **muxer: str) -> Path:
    """A clip of the discs in a container that can be read as it comes."""
    path = Path(name)
    codec = "wrapped_avframe" if form == "yuv4mpegpipe" else "libx264"
    with av.open(name, "w", format=form, container_options=muxer) as output:
        track = output.add_stream(codec, rate=25)
        track.width, track.height, track.pix_fmt = 160, 96, "yuv420p"
        for picture in moving_discs(frames, objects=2)[0]:
            output.mux(track.encode(av.VideoFrame.from_ndarray(picture)))
        output.mux(track.encode())
    return path


@contextmanager
def standard_input(path: Path) -> Iterator[None]:
    """The file on descriptor 0, through a pipe."""
    reading, writing = os.pipe()
    before = os.dup(0)
    os.dup2(reading, 0)
    os.close(reading)

    def feed() -> None:
        with os.fdopen(writing, "wb") as pipe, suppress(BrokenPipeError):
            pipe.write(path.read_bytes())

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)
        thread.join(10)


@pytest.mark.parametrize(
    ("form", "muxer"),
    [
        ("mpegts", {}),
        ("matroska", {}),
        ("yuv4mpegpipe", {}),
        ("mp4", {"movflags": "frag_keyframe+empty_moov"}),
    ],
)
def test_a_clip_on_standard_input(vosctl: Command, clip: Path, form: str, muxer: dict[str, str]) -> None:
    with standard_input(stream(form, **muxer)):
        result = vosctl.tracking("segment", "-", *SMALL, "-o", "out", "--report", "r.json")
    assert result.code == 0, result.err
    assert "latency" in result.err
    assert len(list(Path("out").glob("*.png"))) == 12
    report = json.loads(Path("r.json").read_text())
    assert report["frames"] == 12
    assert 0 < report["mean_latency"] <= report["latency_95"] * 2
    assert report["dropped"] == 0


def test_an_mp4_whose_index_comes_last(vosctl: Command, clip: Path) -> None:
    with standard_input(stream("mp4", 300)):  # more than FFmpeg holds at once
        result = vosctl.tracking("segment", "-", *SMALL, "-o", "out")
    assert result.code == 2
    assert "faststart" in result.error


def test_masks_on_standard_output(vosctl: Command, clip: Path) -> None:
    frames = []
    for form, name in (("raw", "a.raw"), ("label-video", "b.mkv")):
        assert vosctl.tracking("segment", clip, *SMALL, "-o", name, "--format", form, "-q").code == 0
    raw = np.fromfile("a.raw", np.uint8).reshape(12, 96, 160)
    assert np.array_equal(raw, np.stack(list(read_label_video(Path("b.mkv")))))
    os.mkfifo("pipe")
    reader = threading.Thread(target=lambda: frames.append(Path("pipe").read_bytes()))
    reader.start()
    assert vosctl.tracking("segment", clip, *SMALL, "-o", "pipe", "--format", "raw").code == 0
    reader.join(10)
    assert frames[0] == raw.tobytes()
    assert Path("pipe").is_fifo()


def test_from_standard_input_to_standard_output(vosctl: Command, clip: Path) -> None:
    options = [*SMALL, "--backbone-weights", str(vosctl.backbone), "--device", "cpu", "--format", "raw"]
    command = [sys.executable, "-c", START, "segment", "-", *options, "-o", "-"]
    result = subprocess.run(command, input=stream("mpegts").read_bytes(), capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout) == 12 * 96 * 160
    assert b"masks in standard output" in result.stderr


def test_what_cannot_go_into_a_pipe(vosctl: Command, clip: Path) -> None:
    assert "--format raw or label-video" in vosctl.tracking("segment", clip, *SMALL, "-o", "-").error
    both = ["-o", "-", "--format", "raw", "--format", "label-video"]
    assert "one --format" in vosctl.tracking("segment", clip, *SMALL, *both).error


@pytest.mark.parametrize("form", ["raw", "label-video"])
def test_a_reader_that_has_had_enough(vosctl: Command, clip: Path, form: str) -> None:
    options = [*SMALL, "--backbone-weights", str(vosctl.backbone), "--device", "cpu", "--overlay", "o.mp4"]
    long = stream("matroska", 60, "long.mkv")
    command = [sys.executable, "-c", START, "segment", str(long), *options, "-o", "-", "--format", form]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(500)
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(60) == 0, errors
    assert "closed by its reader" in errors
    with av.open("o.mp4") as drawn:
        assert 0 < sum(1 for _ in drawn.decode(video=0)) < 60


def test_an_endless_source_that_is_interrupted(vosctl: Command, clip: Path) -> None:
    options = [*SMALL, "--backbone-weights", str(vosctl.backbone), "--device", "cpu", "-o", "out"]
    command = [sys.executable, "-c", START, "segment", "-", *options, "--overlay", "o.mp4", "--live"]
    source = stream("mpegts", 60).read_bytes()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write(source)  # and nothing after it: the pipe stays open
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(list(Path("out").glob("*.png"))) < 3:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read().decode()
        assert process.wait(60) == 130, errors
    assert "Traceback" not in errors
    assert "--resume" not in errors  # which a stream cannot have
    assert Path("out/.vosctl/earlier.json").exists()  # so that another run can write over these
    with av.open("o.mp4") as drawn:
        assert sum(1 for _ in drawn.decode(video=0)) > 0


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_clip_on_a_server(vosctl: Command, clip: Path, tells_length: bool) -> None:
    """The address reaches the server as it was typed; the end is the end, whether or not it was announced."""
    asked = []
    content = stream("mpegts").read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            if tells_length:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/a//live/"
        result = vosctl.tracking("segment", address, *SMALL, "-o", "out")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert result.code == 0, result.err
    assert set(asked) == {"/a//live/"}
    assert len(list(Path("out").glob("*.png"))) == 12


def test_a_stream_into_the_results_of_a_run(vosctl: Command, clip: Path) -> None:
    """Nothing of the run is taken for the stream's."""
    assert vosctl.tracking("segment", clip, *SMALL, "-o", "out").code == 0
    with standard_input(stream("mpegts", 5)):
        result = vosctl.tracking("segment", "-", *SMALL, "-o", "out", "--overwrite", "--report", "r.json")
    assert result.code == 0, result.err
    assert len(json.loads(Path("r.json").read_text())["per_frame"]) == 5
    assert "no record of a run" in vosctl("segment", "--from-run", "out", "-m", "1=first.png").error


def test_a_stream_over_the_results_of_a_longer_one(vosctl: Command, clip: Path) -> None:
    for frames in (12, 5):
        with standard_input(stream("mpegts", frames)):
            result = vosctl.tracking("segment", "-", *SMALL, "-o", "out", "--overwrite")
        assert result.code == 0, result.err
        assert len(list(Path("out").glob("*.png"))) == frames


def test_what_is_read_once_has_no_contact_sheet(vosctl: Command, clip: Path) -> None:
    with standard_input(stream("mpegts", 5)):
        result = vosctl("inspect", "-", "--contact-sheet", "s.png")
    assert result.code == 2
    assert "- can be read only once" in result.error
    with standard_input(stream("mpegts", 5)):
        assert json.loads(vosctl("inspect", "-", "--json").out)["frames"] == 5
