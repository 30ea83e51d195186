"""`--grow`, `--only` and the like in `segment` and `convert`."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.cli.command import Command, Result
from tests.cli.small_runs import labels_in
from vosctl.masks.sources import MaskSource
from vosctl.masks.tidy import Tidier, Tidy

Segment = Callable[..., Result]


def test_segment_writes_what_convert_makes_of_its_masks(
    vosctl: Command, clip: Path, segment: Segment
) -> None:
    assert segment(clip, "--mask", "first.png", "-o", "plain").code == 0
    options = ("--only", "1,2", "--merge", "1,2=2", "--rename", "2=7", "--smooth-time", 3, "--drop-small", 4)
    options = (*options, "--fill-holes", "--shrink", 1, "--grow", 2)
    result = segment(
        clip, "--mask", "first.png", "-o", "tidy", "--format", "palette", "--format", "coco", *options
    )
    assert result.code == 0, result.err
    assert vosctl("convert", "plain", "-o", "converted", "--to", "palette", *options).code == 0
    tidy = Tidy((1, 2), ("1,2=2",), ("2=7",), 3, 4, True, 1, 2)
    expected = [frame.labels for frame in Tidier(tidy).all(MaskSource(Path("plain")))]
    np.testing.assert_array_equal(labels_in(Path("converted")), expected)
    np.testing.assert_array_equal(labels_in(Path("tidy/palette")), expected)
    np.testing.assert_array_equal([frame.labels for frame in MaskSource(Path("tidy/coco.json"))], expected)
    assert {int(one) for labels in expected for one in np.unique(labels)} == {0, 7}


def test_a_tidied_run_goes_on_from_what_the_tracker_made(
    vosctl: Command, clip: Path, segment: Segment
) -> None:
    given = (clip, "--mask", "first.png", "-o", "out", "--grow", 3)
    assert segment(*given).code == 0
    before = labels_in(Path("out"))
    for path in sorted(Path("out").glob("*.png"))[4:]:
        path.unlink()
    result = segment(*given, "--resume")
    assert result.code == 0, result.err
    np.testing.assert_array_equal(labels_in(Path("out")), before)
    assert "tidying is --grow 2" in segment(*given[:-1], 2, "--resume").error
    shutil.copy("first.png", "fix.png")
    assert vosctl("segment", "--from-run", "out", "--mask", "6=fix.png", "--device", "cpu").code == 0
    np.testing.assert_array_equal(labels_in(Path("out"))[:6], before[:6])
    assert (
        "leave out --grow" in vosctl("segment", "--from-run", "out", "--mask", "6=fix.png", "--grow", 1).error
    )


def test_what_does_not_work_is_one_line(vosctl: Command, clip: Path) -> None:
    for options, message in (
        (("--only", "x"), "--only x"),
        (("--merge", "1"), "--merge 1"),
        (("--rename", "1=2"), "has an object 2 already"),
        (("--smooth-time", "2"), "an odd number"),
    ):
        result = vosctl("convert", "first.png", "-o", "out", "--to", "palette", *options, "--overwrite")
        assert result.code == 2
        assert message in result.error
