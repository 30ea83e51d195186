"""A run's own files, damaged or changed by somebody: whatever they hold, one line says so, or they count for
nothing; no other exception comes up."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.small import moving_discs, tiny_model
from vosctl.errors import OutputError, VosctlError
from vosctl.job.frame_log import read_frame_log
from vosctl.job.open_request import correction_of, open_request
from vosctl.job.pipeline import run_request
from vosctl.job.request import MaskAt, Request
from vosctl.job.resume.checkpoints import FORMAT
from vosctl.job.resume.earlier import remove_earlier
from vosctl.job.run import open_run
from vosctl.job.summary import Summary
from vosctl.media.palette import save_palette_png
from vosctl.systems.choice import ModelChoice
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker

TEXTS = {
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "number": b"7",
    "text": b'"x"',
    "not UTF-8": b"\xff\xfe{}",
    "deep list": b"[" * 10_000 + b"]" * 10_000,
    "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "less deep": b'{"a":' * 400 + b"1" + b"}" * 400,
    "NaN": b'{"frames": NaN}',
    "infinite": b'{"frames": 1e999}',
    "large": b'{"frames": 1' + b"0" * 400 + b"}",
    "cut off": b'{"frames": 1',
}
VALUES: list[Any] = [None, "x", "", -1, 1.5, 10**19, 2**40, True, [], {}, [[1]], {"x": {"y": 1}}, "a\0b"]
FILES = ("run.json", "summary.json", "frames.jsonl", "earlier.json")


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny_model()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Path:
    """A folder with a clip, its mask and `out`, the results of a run."""
    folder = tmp_path_factory.mktemp("whole")
    frames, labels = moving_discs(3, (64, 48), radius=10)
    (folder / "clip").mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / "clip" / f"{index}.png")
    save_palette_png(folder / "mask.png", labels[0])
    with open_request(request_of(folder)) as opened:
        run_request(opened, model)
    (folder / "out/.vosctl/earlier.json").write_text('{"old.png": [1, 2]}')
    return folder


@pytest.fixture
def own(whole: Path) -> Iterator[Path]:
    """The run's own folder, which is whole again afterwards."""
    shutil.copytree(whole / "out", whole / "kept")
    yield whole / "out" / ".vosctl"
    shutil.rmtree(whole / "out")
    (whole / "kept").rename(whole / "out")


def request_of(folder: Path, **more: bool) -> Request:
    settings = TrackerSettings(refine=False, max_size=32, initial_samples=1)
    mask = (MaskAt(0, folder / "mask.png"),)
    return Request(folder / "clip", mask, folder / "out", ModelChoice(), settings, **more)


def use(folder: Path, model: Model) -> list[str]:
    """Reads all that a run has left, in every way that a command does; gives what it was refused with."""
    refused = []

    def attempt(request: Request) -> None:
        with ExitStack() as stack:
            opened = stack.enter_context(open_request(request))
            done = opened.done
            if done:
                json.dumps(Summary.from_json(done).to_json(), allow_nan=False)
                list(read_frame_log(opened.folder.log))
            else:
                open_run(opened, model)
            remove_earlier(opened.folder)

    for way in ("resume", "correct", "overwrite"):  # the last one replaces what there is
        try:
            attempt(
                correction_of(folder / "out", []) if way == "correct" else request_of(folder, **{way: True})
            )
        except VosctlError as error:
            refused.append(str(error))
    assert all("\n" not in line and len(line) < 600 for line in refused)
    return refused


def test_a_whole_run_is_refused_nothing(whole: Path, own: Path, model: Model) -> None:
    assert use(whole, model) == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_files_that_hold_something_else(whole: Path, own: Path, model: Model, name: str, text: bytes) -> None:
    (own / name).write_bytes(text + b"\n")
    refused = use(whole, model)
    assert refused
    assert any(name in line for line in refused)


@pytest.mark.parametrize("name", FILES)
def test_files_with_one_value_of_another_kind(whole: Path, own: Path, model: Model, name: str) -> None:
    kept = whole / "kept" / ".vosctl"
    before = json.loads(
        (kept / name).read_text().splitlines()[0] if name == "frames.jsonl" else (kept / name).read_text()
    )
    count = 0
    for number, path in enumerate(_paths(before)):
        for value in VALUES[number % 4 :: 4] if name in ("run.json", "summary.json") else VALUES:  # alike
            shutil.rmtree(own)
            shutil.copytree(kept, own)
            changed = json.loads(json.dumps(before))
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
            (own / name).write_text(json.dumps(changed) + "\n")
            count += bool(use(whole, model))
    assert count or name == "earlier.json"  # a wrong stamp is one of another file, which stays


def _paths(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"position": "x"},
        {"position": 2, "system": None},
        {"position": 2, "system": {}},
        {"position": 2, "system": {"until_update": float("inf"), "ids": 3, "objects": []}},
        {"position": 2, "system": {"until_update": 1, "ids": [1], "objects": {"a": 3}}},
        {"position": 1, "system": {"until_update": 1, "ids": [], "objects": {}}},
    ],
)
def test_states_that_hold_something_else(whole: Path, own: Path, model: Model, state: dict[str, Any]) -> None:
    (own / "states").mkdir(exist_ok=True)
    (own / "states" / "state-x.pt").touch()  # none of the run's
    torch.save({"format": FORMAT, **state}, own / "states" / "state-00000002.pt")
    (own / "summary.json").unlink()
    with open_request(request_of(whole, resume=True)) as opened:
        run = open_run(opened, model)
        with pytest.raises(OutputError, match=r"state-00000002\.pt is damaged.*remove the file"):
            run.restore(Tracker(model, opened.request.settings))


def test_a_run_of_an_older_version_is_named_in_one_line(whole: Path, own: Path) -> None:
    for content in (
        '{"format": 1, "version": "0.0.1", "task": {}}',
        '{"format": 2, "version": "0.0.1"}',
        '{"format": 1}',
    ):
        (own / "run.json").write_text(content)
        with pytest.raises(
            OutputError, match=r"run\.json was written by another version of vosctl \((0\.0\.1|unk).*over"
        ):
            open_request(request_of(whole, resume=True)).__enter__()


def test_masks_of_other_names_are_passed_over(whole: Path, own: Path) -> None:
    save_palette_png(own / "given" / "mine.png", np.zeros((4, 4), np.uint8))
    assert [mask.frame for mask in correction_of(whole / "out", []).masks] == [0]
