import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Command, Result
from vosctl.cli.console import console
from vosctl.cli.reporting import ProgressLines, ProgressMode, reporting

Segment = Callable[..., Result]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(console, "print", lambda text, **_: lines.append(text))
    reporting.reset()
    yield lines  # type: ignore[misc]
    reporting.reset()


def test_a_line_every_ten_seconds_or_five_percent(said: list[str]) -> None:
    clock = Clock()
    lines = ProgressLines("clip.mp4", 1000, False, clock)
    for _ in range(64):  # 32 frames, 3 %, a second: a line every 2 s
        clock.now += 1 / 32
        lines.advance()
    assert said == ["clip.mp4: frame 64 of 1000 (6 %), 32.0 frames/s, 0:29 left"]
    for _ in range(10):  # a frame a second: a line every 10 s
        clock.now += 1
        lines.advance()
    assert said[1:] == ["clip.mp4: frame 74 of 1000 (7 %), 6.2 frames/s, 2:30 left"]


def test_without_a_known_end_and_without_words(said: list[str]) -> None:
    clock = Clock()
    lines, silent = ProgressLines("stream", None, False, clock), ProgressLines("stream", None, True, clock)
    clock.now += 11
    lines.advance(22)
    silent.advance(22)
    assert said == ["stream: frame 22, 2.0 frames/s"]


def test_json_for_programs(said: list[str]) -> None:
    reporting.mode = ProgressMode.JSON
    clock = Clock()
    lines = ProgressLines("clip", 4, True, clock)
    clock.now += 2
    lines.advance(2)
    lines.advance(2)
    lines.end()
    first, last = map(json.loads, said)
    assert first == {
        "event": "progress",
        "label": "clip",
        "frame": 2,
        "total": 4,
        "frames_per_second": 1.0,
        "seconds_left": 2.0,
    }
    assert (last["frame"], last["seconds_left"]) == (4, 0.0)


def test_from_the_command_line(vosctl: Command, clip: Path, segment: Segment) -> None:
    given = (clip, "--mask", "first.png", "--progress", "json", "-v", "--log-file", "log.txt")
    result = segment(*given)
    assert result.code == 0, result.err
    told = [json.loads(line) for line in result.err.splitlines() if line.startswith("{")]
    assert told[-1]["frame"] == 12
    assert "model: " in result.err
    log = Path("log.txt").read_text()
    assert "to write: palette to clip_masks" in log
    assert '"event": "progress"' in log
    assert "error: " in segment(*given).err
    assert "clip_masks is not empty" in Path("log.txt").read_text()  # it goes on at the end of the file
    assert "model: " not in segment(clip, "--mask", "first.png", "-o", "quiet").err
    wrong = vosctl("segment", clip, "--mask", "first.png", "--log-file", "no/log.txt")
    assert wrong.code == 2
    assert "--log-file no/log.txt cannot be written" in wrong.error
