"""`segment`, `correct` and `read_frames`, against the command that does the same.

Tests job/summary.py too.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.small import moving_discs, tiny_model
from vosctl import VosctlError, correct, read_frames, segment
from vosctl.errors import MaskError, OutputError
from vosctl.systems.frtm.model import FRTMModel


@pytest.fixture(scope="module")
def model() -> FRTMModel:
    return tiny_model(refined=True)


@pytest.fixture(autouse=True)
def _clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frames, labels = moving_discs(9, objects=2)
    Path("clip").mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(f"clip/{index:03d}.png")
    Image.fromarray(np.where(labels[0] == 1, 255, 0).astype(np.uint8)).save("first.png")
    Image.fromarray(np.where(labels[5] == 2, 2, 0).astype(np.uint8)).save("second.png")


def _masks(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(Path(folder).glob("*.png"))]


def test_segment_writes_the_masks_and_tells_what_it_did(model: FRTMModel) -> None:
    summary = segment("clip", "first.png", model=model)
    assert (summary.frames, summary.size, summary.objects) == (9, (160, 96), (1,))
    assert len(_masks("clip_masks")) == 9
    with pytest.raises(OutputError, match="clip_masks"):
        segment("clip", "first.png", model=model)
    again = segment("clip", "first.png", model=model, resume=True)
    assert again == summary  # nothing was left to do


def test_a_correction_gives_what_both_masks_give_at_once(model: FRTMModel) -> None:
    segment("clip", "first.png", "apart", model=model)
    summary = correct("apart", {5: "second.png"}, model=model)
    assert (summary.kept, summary.objects) == (5, (1, 2))
    segment(Path("clip"), {0: Path("first.png"), 5: "second.png"}, Path("at_once"), model=model)
    assert _masks("apart") == _masks("at_once")


def test_formats_and_overlay_go_where_they_are_sent(model: FRTMModel) -> None:
    segment("clip", "first.png", "out", formats=["palette", "coco"], overlay="o.mp4", model=model)
    assert Path("o.mp4").is_file()
    assert {path.name.split(".")[0] for path in Path("out").iterdir()} >= {"palette", "coco"}


def test_arrays_and_missing_files_are_refused_in_one_line(model: FRTMModel) -> None:
    with pytest.raises(MaskError, match=r"mask of frame 0 is a ndarray.*use Tracker"):
        segment("clip", np.zeros((96, 160), np.uint8), model=model)  # type: ignore[arg-type]
    for clip, mask in (("clip", "none.png"), ("none.mp4", "first.png")):
        with pytest.raises(VosctlError, match="none") as caught:
            segment(clip, mask, model=model)
        assert "\n" not in str(caught.value)
    assert not Path("clip_masks").exists()


def test_a_clip_that_breaks_off_warns_and_keeps_what_came_before(model: FRTMModel) -> None:
    Path("clip/006.png").write_bytes(Path("clip/006.png").read_bytes()[:200])
    with pytest.warns(UserWarning, match="006"):
        summary = segment("clip", "first.png", "out", model=model)
    assert summary.broken is not None
    assert len(_masks("out")) == summary.frames == 6


def test_read_frames_gives_the_pictures() -> None:
    frames = list(read_frames("clip"))
    assert len(frames) == 9
    assert np.array_equal(frames[4], np.asarray(Image.open("clip/004.png")))
