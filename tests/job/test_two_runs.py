"""Two runs into one output, started at once: one is refused, and their results do not mix."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.small import moving_discs, tiny_model
from vosctl import api
from vosctl.errors import OutputError
from vosctl.job.open_request import OpenRequest, open_request
from vosctl.job.pipeline import run_request
from vosctl.job.request import MaskAt, Request
from vosctl.job.summary import Summary
from vosctl.media.palette import save_palette_png
from vosctl.systems.choice import ModelChoice
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings

SETTINGS = TrackerSettings(refine=False, max_size=32, initial_samples=1)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A folder of three frames; 1.png and 2.png beside it are masks of object 1 and of object 2."""
    frames, labels = moving_discs(3, (64, 48), radius=10)
    folder = tmp_path / "clip"
    folder.mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{index}.png")
    for object_id in (1, 2):
        save_palette_png(tmp_path / f"{object_id}.png", labels[0] * np.uint8(object_id))
    return folder


def request_of(clip: Path, **more: bool) -> Request:
    mask = MaskAt(0, clip.parent / "1.png")
    return Request(clip, (mask,), clip.parent / "out", ModelChoice("tiny"), SETTINGS, **more)


def test_of_two_runs_at_once_one_is_refused_and_their_masks_do_not_mix(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()

    def work_while_the_other_tries(opened: OpenRequest, model: Model) -> Summary:
        assert refused.wait(60)
        return run_request(opened, model)

    monkeypatch.setattr(api, "run_request", work_while_the_other_tries)
    models = {1: tiny_model(), 2: tiny_model()}
    output, winners = clip.parent / "out", []
    for _ in range(20):
        start, errors = threading.Barrier(2), []
        refused.clear()

        def run(object_id: int, start: threading.Barrier = start, errors: list[str] = errors) -> None:
            mask = clip.parent / f"{object_id}.png"
            start.wait(60)
            try:
                api.segment(clip, mask, output, model=models[object_id], settings=SETTINGS, overwrite=True)
                winners.append(object_id)
            except OutputError as error:
                errors.append(str(error))
                refused.set()

        threads = [threading.Thread(target=run, args=(object_id,)) for object_id in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert len(errors) == 1
        assert "out is being written by another run" in errors[0]
        masks = [np.array(Image.open(path)) for path in sorted(output.glob("*.png"))]
        assert len(masks) == 3
        assert set(np.unique(masks)) <= {0, winners[-1]}
        assert [path.name for path in output.iterdir() if path.suffix != ".png"] == [".vosctl"]
    assert len(winners) == 20


@pytest.mark.parametrize("how", ["resume", "overwrite"])
def test_nothing_of_a_working_run_is_touched_by_one_beside_it(clip: Path, how: str) -> None:
    model = tiny_model()
    with open_request(request_of(clip)) as opened:
        run_request(opened, model)
        half = opened.folder.output / ".00001.part12-3.png"
        half.touch()
        with pytest.raises(OutputError, match=r"out is being written by another run, process \d+"):
            open_request(request_of(clip, **{how: True})).__enter__()
        assert half.exists()
    with open_request(request_of(clip, **{how: True})):
        assert not half.exists()


def test_two_runs_into_two_outputs_do_not_draw_one_overlay(clip: Path) -> None:
    overlay = clip.parent / "o.mp4"
    first = Request(
        clip, (MaskAt(0, clip.parent / "1.png"),), clip.parent / "a", ModelChoice(), SETTINGS, overlay=overlay
    )
    second = Request(
        clip, (MaskAt(0, clip.parent / "2.png"),), clip.parent / "b", ModelChoice(), SETTINGS, overlay=overlay
    )
    with open_request(first), pytest.raises(OutputError, match=r"o\.mp4 is being written"):
        open_request(second).__enter__()
    assert not (clip.parent / "b").exists()
    with open_request(second):
        pass
