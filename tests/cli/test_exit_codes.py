"""Every exit code that `vosctl help exit-codes` names, met by a command; no other is named.

Tests errors.py too.
"""

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Command, Result
from tests.cli.process import end, start
from tests.cli.test_ending import AT_WORK, told

Segment = Callable[..., Result]


def done(_vosctl: Command, segment: Segment, _clip: Path) -> int:
    return segment("clip.mp4", "-m", "first.png").code


def some_of_several_failed(_vosctl: Command, segment: Segment, clip: Path) -> int:
    Path("masks").mkdir()
    (Path("masks") / "clip.png").write_bytes(Path("first.png").read_bytes())
    (Path("masks") / "other.png").write_bytes(Path("first.png").read_bytes())
    Path("other.mp4").write_bytes(b"no clip")
    return segment(clip, "other.mp4", "--masks-from", "masks", "-o", "out").code


def something_given_does_not_work(vosctl: Command, _segment: Segment, _clip: Path) -> int:
    return vosctl("inspect", "nowhere.mp4").code


def the_clip_breaks_off(_vosctl: Command, segment: Segment, clip: Path) -> int:
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) * 8 // 10])  # its index stands at the head, and points beyond the end
    return segment(clip, "-m", "first.png").code


def an_object_is_lost(vosctl: Command, segment: Segment, clip: Path) -> int:
    vosctl._monkeypatch.setattr("vosctl.job.review.LOST_BELOW", 2.0)  # every object counts as lost
    return segment(clip, "-m", "first.png", "--stop-when-lost").code


def a_fault(vosctl: Command, _segment: Segment, _clip: Path) -> int:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    vosctl._monkeypatch.setattr("vosctl.cli.help_topics._text", fails)
    return vosctl("help", "masks").code


def nobody_reads(*_: object) -> int:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("help", out=writing)
    os.close(writing)
    return end(process)[0]


def by(name: str) -> Callable[..., int]:
    return lambda *_: told(AT_WORK, getattr(signal, name))[0]


WAYS: dict[int, Callable[..., int]] = {
    0: done,
    1: some_of_several_failed,
    2: something_given_does_not_work,
    3: the_clip_breaks_off,
    4: an_object_is_lost,
    70: a_fault,
    129: by("SIGHUP"),
    130: by("SIGINT"),
    141: nobody_reads,
    143: by("SIGTERM"),
}


def test_the_topic_names_these_and_no_other(vosctl: Command) -> None:
    named = re.findall(r"^\| (\d+) \|", vosctl("help", "exit-codes").out, re.MULTILINE)
    assert [int(code) for code in named] == sorted(WAYS)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("code", sorted(WAYS))
def test_each_is_met(code: int, vosctl: Command, segment: Segment, clip: Path) -> None:
    assert WAYS[code](vosctl, segment, clip) == code
