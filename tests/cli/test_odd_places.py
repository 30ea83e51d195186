"""Places for results that are none, or that hold something.

Tests media/claims.py too.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Result
from tests.cli.odd_files import MASK, check_refused, encode, png, write


def test_the_output_is_the_input(segment: Callable[..., Result]) -> None:
    data = encode("c.mkv")
    write("first.png", png(MASK * 255))
    for given in (
        ["-o", "c.mkv", "--format", "label-video", "--overwrite"],
        ["--overlay", "c.mkv", "--overwrite"],
    ):
        assert segment("c.mkv", "--mask", "first.png", *given).code == 2
        assert Path("c.mkv").read_bytes() == data


def test_a_full_disk(segment: Callable[..., Result]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    encode("c.mp4")
    write("first.png", png(MASK * 255))
    result = segment("c.mp4", "--mask", "first.png", "-o", "/dev/full", "--format", "raw")
    check_refused(result, "/dev/full")
    assert "no space" in result.error


def test_links_in_the_output_are_replaced_and_not_followed(segment: Callable[..., Result]) -> None:
    encode("c.mp4")
    write("first.png", png(MASK * 255))
    Path("precious.png").write_text("precious")
    Path("elsewhere").mkdir()
    Path("out").mkdir()
    Path("out/00000.png").symlink_to("../precious.png")
    assert segment("c.mp4", "--mask", "first.png", "-o", "out", "--overwrite").code == 0
    assert Path("precious.png").read_text() == "precious"
    Path("objects").mkdir()
    Path("objects/1").symlink_to("../elsewhere")
    result = segment("c.mp4", "--mask", "first.png", "-o", "objects", "--format", "binary", "--overwrite")
    check_refused(result, "objects/1")
    assert not list(Path("elsewhere").iterdir())
