"""Tests job/outputs.py too."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.small import moving_discs, tiny_model
from vosctl.job.frame_log import read_frame_log
from vosctl.job.open_request import open_request
from vosctl.job.outputs import Outputs
from vosctl.job.pipeline import Pipeline, PipelineOptions, run_request
from vosctl.job.request import MaskAt, Request
from vosctl.job.summary import Summary
from vosctl.media.clip import open_clip
from vosctl.media.frame import ClipInfo
from vosctl.media.video_writer import VideoWriter
from vosctl.systems.choice import ModelChoice
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.settings import TrackerSettings

FRAMES = 14


@pytest.fixture(scope="module")
def model() -> FRTMModel:
    return tiny_model(refined=True)


@pytest.fixture(autouse=True)
def _clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write_clip(FRAMES)


def _write_clip(count: int) -> None:
    frames, labels = moving_discs(count, objects=2)
    info = ClipInfo(Path("clip.mp4"), 160, 96, count, None, has_audio=False, is_folder=False)
    with VideoWriter(Path("clip.mp4"), info) as video:
        for frame in frames:
            video.write(frame)
    Image.fromarray(labels[0]).save("first.png")


def _through(model: FRTMModel, outputs: Outputs, **options: object) -> Summary:
    with open_clip(Path("clip.mp4")) as clip:
        masks = {0: np.asarray(Image.open("first.png")).copy()}
        told = PipelineOptions(**options)  # type: ignore[arg-type]
        return Pipeline(clip, masks, model, TrackerSettings(), outputs, told).run()


def _masks(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(Path(folder).glob("*.png"))]


def test_a_mask_a_call_and_a_line_of_the_log_for_every_frame(model: FRTMModel) -> None:
    seen: list[int] = []
    summary = _through(
        model,
        Outputs(Path("masks")),
        log=Path("log.jsonl"),
        on_frame=lambda frame, _: seen.append(frame.index),
    )
    assert seen == list(range(FRAMES))
    assert len(_masks("masks")) == FRAMES == summary.frames
    assert [entry.index for entry in read_frame_log(Path("log.jsonl"))] == seen
    assert (summary.size, summary.objects, summary.kept) == ((160, 96), (1, 2), 0)
    assert summary.broken is summary.stopped is None
    assert 0 < summary.seconds_to_first_mask < 1000
    assert Summary.from_json(summary.to_json()) == summary


def test_an_overlay_beside_the_masks_changes_none_of_them(model: FRTMModel) -> None:
    _through(model, Outputs(Path("alone")))
    _through(model, Outputs(Path("together"), Path("overlay.mp4")))
    _through(model, Outputs(overlay=Path("overlay_alone.mp4")))
    assert _masks("alone") == _masks("together")
    assert Path("overlay.mp4").read_bytes() == Path("overlay_alone.mp4").read_bytes()
    with open_clip(Path("overlay.mp4")) as drawn:
        assert sum(1 for _ in drawn) == FRAMES


def test_a_clip_that_breaks_off_keeps_what_came_before(model: FRTMModel) -> None:
    _write_clip(40)
    _through(model, Outputs(Path("whole")))
    data = Path("clip.mp4").read_bytes()
    Path("clip.mp4").write_bytes(data[: len(data) * 7 // 10])
    summary = _through(model, Outputs(Path("part")))
    assert summary.broken is not None
    assert "clip.mp4" in summary.broken
    assert 0 < summary.frames < 40
    assert _masks("part") == _masks("whole")[: summary.frames]


def test_it_ends_where_an_object_is_lost(model: FRTMModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vosctl.job.pipeline.is_lost", lambda one: one.area < 0 or True)
    summary = _through(model, Outputs(Path("masks")), log=Path("log.jsonl"), stop_when_lost=True)
    assert summary.stopped is not None
    assert summary.stopped.startswith("objects 1, 2 lost at frame 0")
    assert len(_masks("masks")) == 1


@pytest.mark.parametrize("formats", [("palette",), ("coco",)])
def test_a_run_that_is_interrupted_goes_on_to_the_same_results(
    model: FRTMModel, formats: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vosctl.job.run._FRAMES", 4)
    suffix = ".json" if formats == ("coco",) else ""

    def run(name: str, stop_at: int | None = None, resume: bool = False) -> Summary:
        def on_frame(frame: object, _: object) -> None:
            if frame.index == stop_at:  # type: ignore[attr-defined]
                raise KeyboardInterrupt

        request = Request(
            Path("clip.mp4"),
            (MaskAt(0, Path("first.png")),),
            Path(f"{name}{suffix}"),
            ModelChoice(),
            TrackerSettings(),
            formats=formats,
            resume=resume,
        )
        with open_request(request) as opened:
            return run_request(opened, model, on_frame)

    run("whole")
    with pytest.raises(KeyboardInterrupt):
        run("parts", stop_at=9)
    summary = run("parts", resume=True)
    assert (summary.kept, summary.frames) == (9, FRAMES)
    read: Callable[[str], object] = _masks if not suffix else lambda name: Path(f"{name}.json").read_bytes()
    assert read("parts") == read("whole")
