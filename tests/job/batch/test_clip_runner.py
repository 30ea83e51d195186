import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.small import tiny_model
from vosctl.job.batch import clip_runner
from vosctl.job.batch.clip_runner import ClipRunner
from vosctl.job.batch.outcome import Status
from vosctl.job.open_request import OpenRequest
from vosctl.job.request import Request
from vosctl.systems.choice import ModelChoice
from vosctl.systems.model import Model


class Loader:
    """Loads the tiny model, and counts."""

    def __init__(self) -> None:
        self.choices: list[ModelChoice] = []

    def __call__(self, choice: ModelChoice, device: str) -> Model:
        assert device == "cpu"
        self.choices.append(choice)
        return tiny_model()


def test_the_model_is_loaded_once_and_finished_clips_are_skipped(
    make_request: Callable[..., Request],
) -> None:
    loader = Loader()
    runner = ClipRunner("cpu", loader)
    first, second = make_request("a"), make_request("b")
    frames: list[None] = []
    for request in (first, second):
        outcome = runner.run(request, lambda: frames.append(None))
        assert (outcome.status, outcome.error, outcome.attempts) == (Status.DONE, None, 1)
        assert outcome.frames == len(list(request.output.glob("*.png"))) == 12
    assert len(frames) == 24
    assert len(loader.choices) == 1
    assert runner.run(replace(first, resume=True)).status is Status.SKIPPED
    again = runner.run(first)
    assert again.status is Status.FAILED
    assert "is not empty" in (again.error or "")
    other = replace(first, output=first.output.with_name("c"), model=replace(first.model, name="other"))
    assert runner.run(other).status is Status.DONE
    assert len(loader.choices) == 2


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_want_of_memory_gets_a_second_attempt_frame_by_frame(
    make_request: Callable[..., Request], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    windows = []
    segment = clip_runner.run_request

    def fails_in_batches(opened: OpenRequest, *arguments: object) -> object:
        windows.append(opened.request.settings.window)
        if windows[-1] > 1:
            opened.request.output.mkdir(parents=True, exist_ok=True)
            (opened.request.output / "00000.png").write_text("left by the first attempt")
            raise error
        return segment(opened, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(clip_runner, "run_request", fails_in_batches)
    outcome = ClipRunner("cpu", Loader()).run(make_request("a"))
    assert (outcome.status, outcome.attempts, outcome.frames) == (Status.DONE, 2, 12)
    assert windows == [8, 1]


def test_what_does_not_help_is_not_tried_again(
    make_request: Callable[..., Request], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    request = make_request("a")
    (tmp_path / "bad.mp4").write_text("no clip")
    runner = ClipRunner("cpu", Loader())
    outcome = runner.run(replace(request, clip=tmp_path / "bad.mp4"))
    assert (outcome.status, outcome.attempts) == (Status.FAILED, 1)
    assert "bad.mp4" in (outcome.error or "")

    def fails(*_: object) -> None:
        raise ZeroDivisionError("a fault of\nours")

    monkeypatch.setattr(clip_runner, "run_request", fails)
    outcome = runner.run(request)
    assert (outcome.attempts, outcome.error) == (1, "ZeroDivisionError: a fault of ours")


def test_a_clip_that_breaks_off_is_named_and_what_came_before_is_kept(
    make_request: Callable[..., Request],
) -> None:
    request = make_request("a", frames=40)
    data = request.clip.read_bytes()
    request.clip.write_bytes(data[: len(data) * 7 // 10])
    outcome = ClipRunner("cpu", Loader()).run(request)
    assert outcome.status is Status.BROKEN
    assert "breaks off" in (outcome.error or "")
    assert 0 < outcome.frames == len(list(request.output.glob("*.png"))) < 40


def test_the_second_attempt_has_the_memory_of_the_first(
    make_request: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Large:
        pass

    held: list[weakref.ref[Large]] = []
    segment = clip_runner.run_request

    def fails_at_first(opened: OpenRequest, *arguments: object) -> object:
        if not held:
            large = Large()
            held.append(weakref.ref(large))
            raise MemoryError
        assert held[0]() is None
        return segment(opened, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(clip_runner, "run_request", fails_at_first)
    outcome = ClipRunner("cpu", Loader()).run(make_request("a"))
    assert (outcome.status, outcome.error) == (Status.DONE, None)
