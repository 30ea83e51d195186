"""Tests evaluation/run_records.py too, beside what it is named after."""

from dataclasses import replace

import numpy as np
import pytest

from vosctl.errors import ClipError, MaskError, OutputError, SequencesFailedError
from vosctl.evaluation.dataset_run import require_all, run_benchmark, score_masks, write_files
from vosctl.evaluation.datasets import DatasetName, open_dataset
from vosctl.evaluation.results import RunDescription, SequenceSpeed, read_results
from vosctl.evaluation.runners import Runners

from .small_davis import Counted, moving_objects, save_davis, save_labels, save_youtube

SPEED = SequenceSpeed(5, 2, 64, 48, 2.5, 0.5, 5.0)


class FakeRunners(Runners):
    """Writes the annotations as predictions, but fails where it is told to."""

    def __init__(self, failing=(), error=None, interrupt=None, **description):
        self.failing, self.error, self.interrupt = failing, error, interrupt
        self.ran = []
        self.description = replace(
            RunDescription("m", {"m": "ab"}, "ours", {"window": 8}, "cpu", "float32"), **description
        )

    def describe(self):
        return self.description

    def run(self, work, on_frames):
        for sequence, masks in work:
            if sequence.name == self.interrupt:
                raise KeyboardInterrupt
            self.ran.append(sequence.name)
            if sequence.name in self.failing:
                yield sequence, self.error
                continue
            for path in sequence.annotations:
                masks.mkdir(parents=True, exist_ok=True)
                (masks / path.name).write_bytes(path.read_bytes())
            on_frames(len(sequence.frames))
            yield sequence, SPEED


@pytest.fixture
def dataset(tmp_path):
    root = save_davis(tmp_path / "DAVIS", {name: moving_objects(5) for name in ("ant", "bee", "cat")})
    return open_dataset(DatasetName.DAVIS17, root)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out"


def run(dataset, output, runners, **options):
    return run_benchmark(dataset, output, runners, Counted(), **options)


def test_runs_scores_and_writes(dataset, output):
    progress = Counted()
    result = run_benchmark(dataset, output, FakeRunners(), progress)
    assert progress.phases == [("tracking", 15), ("scoring", 9)]
    assert progress.frames == 24
    assert [sequence.name for sequence in result.sequences] == ["ant", "bee", "cat"]
    assert result.summary.j_and_f == 1.0
    assert result.speed.model_fps == 2.0
    assert result.run.model == "m"
    write_files(result, dataset, output)
    assert read_results(output / "results.json") == result
    names = {path.name for path in output.iterdir()}
    assert names == {
        ".vosctl",
        "ant",
        "bee",
        "cat",
        "global_results-val.csv",
        "per-sequence_results-val.csv",
        "report.html",
        "results.json",
    }


def test_what_is_done_is_not_run_again(dataset, output):
    first = FakeRunners(interrupt="cat")
    with pytest.raises(KeyboardInterrupt):
        run(dataset, output, first)
    second = FakeRunners()
    result = run(dataset, output, second)
    assert (first.ran, second.ran) == (["ant", "bee"], ["cat"])
    assert len(result.sequences) == 3
    assert all(sequence.speed == SPEED for sequence in result.sequences)


def test_overwrite_runs_everything(dataset, output):
    run(dataset, output, FakeRunners())
    again = FakeRunners(settings={"window": 1})
    run(dataset, output, again, overwrite=True)
    assert again.ran == ["ant", "bee", "cat"]


def test_a_sequence_whose_masks_are_gone_is_run_again(dataset, output):
    run(dataset, output, FakeRunners())
    (output / "bee" / "00004.png").unlink()
    (output / ".vosctl" / "cat.json").write_text("{")
    again = FakeRunners()
    run(dataset, output, again)
    assert again.ran == ["bee", "cat"]


def test_figures_of_two_ways_are_never_mixed(dataset, output):
    run(dataset, output, FakeRunners())
    other = FakeRunners(settings={"window": 1})
    with pytest.raises(OutputError, match=r"ant was made in another way \(settings\.window was 8, now 1\)"):
        run(dataset, output, other)
    assert other.ran == []


def test_a_failure_is_named_and_the_rest_is_scored(dataset, output):
    result = run(dataset, output, FakeRunners(failing=("bee",), error=ClipError("00003.jpg: broken")))
    assert [sequence.name for sequence in result.sequences] == ["ant", "cat"]
    assert result.summary.j_and_f == 1.0
    with pytest.raises(SequencesFailedError, match=r"1 failed .*: bee \(00003\.jpg: broken\)") as raised:
        require_all([result])
    assert raised.value.exit_code == 1
    again = FakeRunners()
    require_all([run(dataset, output, again)])
    assert again.ran == ["bee"]


def test_an_unexpected_failure_leaves_its_traceback(dataset, output):
    def broken():
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError) as raised:
        broken()
    result = run(dataset, output, FakeRunners(failing=("ant", "bee", "cat"), error=raised.value))
    assert result.summary is None
    assert "RuntimeError: out of memory; see" in result.failures[0].error
    assert "in broken" in (output / ".vosctl" / "ant.traceback.txt").read_text()


def test_masks_of_another_tool(dataset, tmp_path):
    for sequence in dataset.sequences:
        for path, labels in zip(sequence.annotations, moving_objects(5), strict=True):
            shifted = np.roll(labels, 2, axis=1)
            save_labels(tmp_path / "theirs" / sequence.name / path.name, shifted)
    result = score_masks(dataset, tmp_path / "theirs", Counted())
    assert result.run is None
    assert result.speed is None
    assert 0.5 < result.summary.j.mean < 0.9
    with pytest.raises(MaskError, match="ant: no such folder"):
        score_masks(dataset, tmp_path, Counted())


def test_youtube_masks_lie_where_the_server_wants_them(tmp_path, output):
    dataset = open_dataset(DatasetName.YTVOS18, save_youtube(tmp_path / "YouTubeVOS"))
    result = run(dataset, output, FakeRunners())
    assert sorted(path.name for path in (output / "Annotations/v1").iterdir()) == ["00000.png", "00010.png"]
    assert result.summary is None
    write_files(result, dataset, output)
    assert not list(output.glob("*.csv"))


def test_an_output_that_cannot_be_made(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/\.vosctl cannot be written"):
        run(dataset, tmp_path / "file", FakeRunners())
