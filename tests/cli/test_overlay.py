from pathlib import Path

import numpy as np

from tests.cli.command import Command
from tests.small import moving_discs
from vosctl.masks.palette_folder import MaskWriter
from vosctl.media.clip import open_clip


def test_masks_that_exist_are_drawn_where_they_are(vosctl: Command, clip: Path) -> None:
    labels = moving_discs(12, objects=2)[1]
    with MaskWriter(Path("masks")) as writer:
        for index, label in enumerate(labels):
            writer.write(f"{index:05d}", label)
    result = vosctl("overlay", clip, "--masks", "masks", "-o", "o.mp4", "--opacity", "1", "--no-contour")
    assert result.code == 0
    assert "overlay in o.mp4" in result.err
    with open_clip(Path("o.mp4")) as drawn, open_clip(clip) as source:
        for label, a, b in zip(labels, drawn, source, strict=True):
            changed = np.abs(a.rgb.astype(int) - b.rgb).sum(2)
            assert changed[label == 0].mean() < 25  # compression, and colour that bleeds at edges
            assert changed[label == 1].mean() > 60


def test_segment_and_draw_at_once(vosctl: Command, clip: Path) -> None:
    result = vosctl.tracking("overlay", clip, "--mask", "first.png")
    assert result.code == 0
    assert sorted(p.name for p in clip.parent.iterdir()) == ["clip.mp4", "clip_overlay.mp4", "first.png"]


def test_one_of_the_two_is_needed(vosctl: Command, clip: Path) -> None:
    for arguments in ([], ["--masks", "x", "--mask", "first.png"]):
        result = vosctl("overlay", clip, *arguments)
        assert result.code == 2
        assert "either --masks DIR" in result.error


def test_a_mask_is_missing(vosctl: Command, clip: Path) -> None:
    with MaskWriter(Path("masks")) as writer:
        for index, label in enumerate(moving_discs(12)[1][:7]):
            writer.write(f"{index:05d}", label)
    result = vosctl("overlay", clip, "--masks", "masks", "-o", "o.mp4")
    assert result.code == 2
    assert "masks holds 7 masks, none for frame 7" in result.error
    assert not Path("o.mp4").exists()


def test_no_report_of_masks_that_exist(vosctl: Command, clip: Path) -> None:
    result = vosctl("overlay", clip, "--masks", "masks", "--report", "r.json")
    assert "--report is of a run" in result.error


def test_the_name_of_the_video_is_checked_before_the_work(vosctl: Command, clip: Path) -> None:
    result = vosctl.tracking("segment", clip, "-m", "first.png", "-o", "out", "--overlay", "o.avi")
    assert "o.avi cannot be written: expected one of .mp4" in result.error
    assert not Path("out").exists()
    assert (
        "o.avi cannot be written" in vosctl.tracking("overlay", clip, "-m", "first.png", "-o", "o.avi").error
    )
