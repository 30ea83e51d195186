"""Mattes and EXR of a run, and what a killed run leaves of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.cli.command import Command, Result
from vosctl.masks.exr_file import read_exr
from vosctl.masks.sources import MaskSource

Segment = Callable[..., Result]


def test_a_run_writes_mattes_and_layers(vosctl: Command, clip: Path, segment: Segment) -> None:
    formats = ("palette", "exr", "matte", "matte:1", "matte:2")
    given = [clip, "--mask", "first.png", "-o", "out", "--name", "2=Dog", "--first-number", 1001]
    given += [part for one in formats for part in ("--format", one)]
    result = segment(*given)
    assert result.code == 0, result.err
    assert sorted(path.name for path in Path("out").iterdir() if path.name[0] != ".") == [
        *("exr", "matte-1.mov", "matte-2.mov", "matte.mov", "palette")
    ]
    labels = [frame.labels for frame in MaskSource(Path("out/palette"))]
    for index, (frame, expected) in enumerate(zip(MaskSource(Path("out/exr")), labels, strict=True)):
        np.testing.assert_array_equal(frame.labels, expected)
        assert frame.stem == f"{1001 + index}"
    assert sorted(read_exr(Path("out/exr/1001.exr"))) == ["A", "Dog.A", "id.Y", "object_1.A"]
    for frame, expected in zip(MaskSource(Path("out/matte-2.mov")), labels, strict=True):
        assert ((frame.labels == 1) != (expected == 2)).mean() < 0.01
    assert "nothing to resume" in segment(*given, "--resume").err
    (Path("out/exr/1005.exr")).unlink()
    assert segment(*given, "--resume").code == 0
    assert len(list(MaskSource(Path("out/exr")))) == 12


def test_an_overlay_of_a_matte(vosctl: Command, clip: Path, segment: Segment) -> None:
    assert segment(clip, "--mask", "first.png", "-o", "matte.mp4", "--format", "matte").code == 0
    result = vosctl("overlay", clip, "--masks", "matte.mp4", "-o", "o.mp4")
    assert result.code == 0, result.err
    assert Path("o.mp4").stat().st_size > 1000
    result = segment(clip, "--mask", "matte.mp4", "-o", "again")
    assert result.code == 0, result.err
    assert "read as a matte of one object" in result.err
