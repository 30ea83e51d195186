"""The examples, run on a small clip; the notebook's cells one after the other."""

import csv
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.small import moving_discs
from vosctl.media.frame import ClipInfo
from vosctl.media.palette import save_palette_png
from vosctl.media.video_writer import VideoWriter

_EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A clip, a mask of its first frame, and the right masks of all frames."""
    monkeypatch.chdir(tmp_path)
    frames, labels = moving_discs(8, objects=2)
    info = ClipInfo(Path("clip.mp4"), 160, 96, len(frames), None, has_audio=False, is_folder=False)
    with VideoWriter(Path("clip.mp4"), info) as video:
        for frame in frames:
            video.write(frame)
    Path("truth").mkdir()
    for index, label in enumerate(labels):
        save_palette_png(Path(f"truth/{index:05d}.png"), label)
    save_palette_png(Path("first.png"), labels[0])
    return ["clip.mp4", "first.png", "truth"]


def _run(name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(_EXAMPLES / name), run_name="__main__")


def test_track_a_clip(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run("track_a_clip.py", arguments[:2], monkeypatch)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("8 frames of objects (1, 2)")
    assert [line.split()[0] for line in printed[-8:]] == [str(index) for index in range(8)]
    assert len(list(Path("clip_masks").glob("*.png"))) == 8
    assert Path("clip_overlay.mp4").stat().st_size > 1000


def test_correct_and_go_on(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run("correct_and_go_on.py", arguments, monkeypatch)
    first, second = capsys.readouterr().out.splitlines()
    frame = int(first.split()[4])
    assert second == f"8 frames, {frame} of them as they were"
    corrected, truth = (Path(folder, f"{frame:05d}.png") for folder in ("corrected_masks", "truth"))
    assert corrected.read_bytes() == truth.read_bytes()


def test_boxes_and_areas(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _run("boxes_and_areas.py", arguments[:2], monkeypatch)
    with Path("boxes.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["frame"] == "0"]
    first = moving_discs(8, objects=2)[1][0]
    for row, object_id in zip(rows, (1, 2), strict=True):
        ys, xs = np.nonzero(first == object_id)
        assert int(row["object"]) == object_id
        assert (int(row["left"]), int(row["top"])) == (xs.min(), ys.min())
        assert (int(row["width"]), int(row["height"])) == (np.ptp(xs) + 1, np.ptp(ys) + 1)
        assert int(row["area"]) == len(xs)


def test_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((_EXAMPLES / "segment_a_clip.ipynb").read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        assert cell["cell_type"] == "markdown" or not cell["outputs"]
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    overlaps = names["overlaps"]
    assert isinstance(overlaps, dict)
    assert min(overlaps.values()) > 0.8
