"""Runs over the results of earlier ones: only what the new run has made is left of either.

Tests job/resume/earlier.py too.
"""

import os
import time
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.small_runs import discs, results_in, write_clip, write_clip_and_mask

SMALL = ["-m", "first.png", "--max-size", "32", "--variant", "d-only"]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """12 frames."""
    return write_clip_and_mask(tmp_path)


@pytest.fixture
def short(clip: Path) -> Path:
    """5 frames."""
    return write_clip(clip.with_name("short.mp4"), discs(5)[0])


def test_masks_of_a_longer_run_go_and_nothing_else(vosctl: Command, clip: Path, short: Path) -> None:
    formats = ["--format", "palette", "--format", "binary", "--format", "coco"]
    assert vosctl.tracking("segment", clip, *SMALL, *formats, "-o", "out").code == 0
    own = {"out/notes.txt", "out/palette/00099.png", "out/palette/00007.jpg", "out/palette/mine/00008.png"}
    for name in own:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("mine")
    now = time.time()
    os.utime("out/palette/00009.png", (now, now + 5))  # drawn anew by hand
    own.add("out/palette/00009.png")
    outside = Path("elsewhere")
    Path("out/binary/1").rename(outside)
    Path("out/binary/1").symlink_to(outside.absolute())

    assert vosctl.tracking("segment", short, *SMALL, "-o", "out", "--overwrite").code == 0
    masks = {f"out/{index:05d}.png" for index in range(5)}
    left = {f"out/{name}" for name in results_in(Path("out"))}
    assert left == masks | own
    assert not Path("out/binary/2").exists()
    assert len(list(outside.iterdir())) == 12
    assert not Path("out/.vosctl/earlier.json").exists()


def test_they_go_when_the_new_run_has_ended(
    vosctl: Command, clip: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vosctl.tracking("segment", clip, *SMALL, "-o", "out").code == 0
    before = results_in(Path("out"))
    with monkeypatch.context() as patch:

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr("vosctl.job.pipeline.Pipeline._through", interrupt)
        assert vosctl.tracking("segment", short, *SMALL, "-o", "out", "--overwrite").code == 130
        assert results_in(Path("out")) == before
        assert vosctl.tracking("segment", short, *SMALL, "-o", "out", "--overwrite").code == 130
    assert results_in(Path("out")) == before
    assert vosctl.tracking("segment", short, *SMALL, "-o", "out", "--resume").code == 0
    assert len(results_in(Path("out"))) == 5
