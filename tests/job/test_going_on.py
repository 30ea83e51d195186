"""Runs that go on after somebody has changed what lies on the disk."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.small import moving_discs, tiny_model
from vosctl import api
from vosctl.errors import OutputError
from vosctl.media.palette import save_palette_png
from vosctl.systems.settings import TrackerSettings

SETTINGS = TrackerSettings(refine=False, max_size=32, initial_samples=1)
FORMATS = ("palette", "coco", "soft")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    frames, labels = moving_discs(12, (64, 48), radius=10)
    folder = tmp_path / "clip"
    folder.mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{index:02d}.png")
    save_palette_png(tmp_path / "mask.png", labels[0])
    return folder


def segment(clip: Path, name: str, resume: bool = False) -> dict[str, bytes]:
    """The results by name."""
    out = clip.parent / name
    mask = clip.parent / "mask.png"
    api.segment(clip, mask, out, model=tiny_model(), settings=SETTINGS, formats=FORMATS, resume=resume)
    files = (path for path in out.rglob("*") if path.is_file() and ".vosctl" not in path.parts)
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


@pytest.mark.parametrize("gone", ["palette/03.png", "soft/1/10.png", "coco.json"])
def test_what_was_deleted_is_made_again(clip: Path, monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    monkeypatch.setattr("vosctl.job.run._FRAMES", 4)
    whole = segment(clip, "out")
    (clip.parent / "out" / gone).unlink()
    assert segment(clip, "out", resume=True) == whole


@pytest.mark.filterwarnings("ignore:.*05.png")
def test_a_run_goes_on_when_the_broken_frame_has_been_replaced(clip: Path) -> None:
    whole = segment(clip, "whole")
    good = (clip / "05.png").read_bytes()
    (clip / "05.png").write_bytes(b"")
    assert "palette/05.png" not in segment(clip, "out")
    (clip / "05.png").write_bytes(good)
    before = (clip / "02.png").read_bytes()
    picture = np.array(Image.open(clip / "02.png"))
    picture[0, 0] ^= 1
    Image.fromarray(picture).save(clip / "02.png")
    with pytest.raises(OutputError, match="the clip is 64x48"):
        segment(clip, "out", resume=True)
    (clip / "02.png").write_bytes(before)
    assert segment(clip, "out", resume=True) == whole
    assert segment(clip, "out", resume=True) == whole  # it is the run's own clip now
    (clip / "05.png").write_bytes(good + b"more")
    with pytest.raises(OutputError, match="the clip is 64x48"):
        segment(clip, "out", resume=True)
