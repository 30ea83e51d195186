"""Results fetched while the next window is computed, and functions that a GPU captures as graphs.

Both are imitated on the CPU, in float64, so that no rounding feeds back.

Tests compute/transfer.py too.
"""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.graphs import imitate_graphs
from tests.small import moving_discs, tiny_model
from vosctl.compute import two_threads
from vosctl.errors import MaskError
from vosctl.systems.frtm import target_memory
from vosctl.systems.frtm import tracker as frtm
from vosctl.systems.frtm.learning import Extension, FirstFrame
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.refinement_fused import FusedRefinementNetwork
from vosctl.systems.frtm.target_model import FitSchedule
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import TrackedFrame, Tracker

FRAMES, LABELS = moving_discs(15, (96, 64), objects=3, radius=12)
# Two objects, a third one later, and a mask that corrects another; then half a window.
MASKS = {
    1: np.where(LABELS[1] < 3, LABELS[1], 0).astype(np.uint8),
    6: np.where(LABELS[6] == 3, 3, 0).astype(np.uint8),
    7: np.where(LABELS[7] == 1, 1, 0).astype(np.uint8),
}


def model(refined: bool = False) -> FRTMModel:
    made = tiny_model(refined, refined, refined).prepare(torch.device("cpu"), torch.float64)
    made.schedule = FitSchedule((3, 3), 3)  # on so few cells, more would fit what rounding has left
    return made


def run(tracker: Tracker, frames: list[NDArray[np.uint8]] = FRAMES) -> list[TrackedFrame]:
    return list(tracker.run(frames, MASKS, soft=True, confidences=True))


def tracker(ahead: int = 0, used: FRTMModel | None = None) -> Tracker:
    made = Tracker(used or model(), TrackerSettings(initial_samples=2))
    made._ahead = ahead
    return made


@pytest.fixture(scope="module")
def expected() -> list[TrackedFrame]:
    return run(tracker())


def assert_same(found: list[TrackedFrame], wanted: list[TrackedFrame]) -> None:
    """Up to the order of sums."""
    assert [result.index for result in found] == [result.index for result in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert (one.labels == other.labels).mean() > 0.998  # where nothing is learned yet objects are even
        assert one.confidences == pytest.approx(other.confidences, abs=0.01)
        if other.probabilities is not None:
            assert one.probabilities is not None
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-8)


def test_fetching_late_changes_no_result(expected: list[TrackedFrame]) -> None:
    late = tracker(ahead=1)
    assert_same(run(late), expected)
    assert late.stats.frames == len(FRAMES)


def test_a_window_is_begun_before_the_last_one_is_handed_out() -> None:
    taken: list[int] = []

    def source():  # type: ignore[no-untyped-def]
        for index, frame in enumerate(FRAMES):
            taken.append(index)
            yield frame

    for options, most in (({}, 8), ({"low_latency": True}, 4)):
        taken.clear()
        gaps = [
            taken[-1] - result.index
            for result in tracker(ahead=1).run(source(), {0: LABELS[0]}, **options)  # type: ignore[arg-type]
        ]
        assert max(gaps) == most - 1


def test_a_state_is_of_the_results_that_were_handed_out(expected: list[TrackedFrame]) -> None:
    late = tracker(ahead=1)
    states = {}
    for result in late.run(FRAMES, MASKS):
        if result.index + 1 == late.position:
            states[late.position] = late.state_dict()
    assert {1, 2, 6, 7, 8, 10, 14} <= states.keys()
    for position in (1, 6, 10):
        again = tracker()
        again.load_state_dict(states[position])
        rest = list(again.run(FRAMES[position:], MASKS, soft=True, confidences=True))
        assert_same(rest, expected[position:])


def test_all_results_come_before_a_complaint() -> None:
    results = tracker(ahead=1).run(FRAMES[:7], {0: LABELS[0], 9: LABELS[9]})
    for index in range(7):
        assert next(results).index == index
    with pytest.raises(MaskError, match="given for frame 9, but the clip has 7 frames"):
        next(results)


@pytest.mark.parametrize(("refined", "frames"), [(False, 15), (True, 8)])
def test_graphs_and_all_objects_at_once_change_no_result(
    refined: bool, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a GPU does, but for the computing: everything captured, replayed, batched and fetched late."""
    used = model(refined)
    expected = run(tracker(used=used), FRAMES[:frames])
    recordings = imitate_graphs(monkeypatch)
    monkeypatch.setattr(target_memory, "_is_nothing", lambda _: False)
    monkeypatch.setattr(frtm, "_MAPS_AT_ONCE_ON_CPU", 32)
    used.captured.clear()
    for _ in range(2):  # graphs serve all clips
        assert_same(run(tracker(ahead=1, used=used), FRAMES[:frames]), expected)
    assert {key[0] for key in used.captured} == {"window", "memory", "update", "first frame"}
    assert used.graphs.failure is None
    assert all(any(captured._graphs.values()) for captured in used.captured.values())
    assert sum(recording.replays for recording in recordings) > 5


def test_all_objects_of_a_window_pass_s_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_threads, "halves", lambda *_: 1)
    monkeypatch.setattr(frtm, "_MAPS_AT_ONCE_ON_CPU", 32)
    used, seen = tiny_model(refined=True), []
    used.schedule = FitSchedule((1,), 1)
    whole = FusedRefinementNetwork.forward

    def forward(self, features, scores, *rest):  # type: ignore[no-untyped-def]
        seen.append(tuple(scores.shape[:2]))
        return whole(self, features, scores, *rest)

    monkeypatch.setattr(FusedRefinementNetwork, "forward", forward)
    list(tracker(used=used).run(FRAMES[:9], {0: LABELS[0]}))
    assert seen == [(4, 3), (4, 3)]


@pytest.mark.parametrize(("part", "place"), [(FirstFrame, 3), (Extension, 3)])
def test_learning_that_does_not_fit_the_device_is_split(
    part: type, place: int, expected: list[TrackedFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frtm, "_MAPS_AT_ONCE_ON_CPU", 32)
    whole, tried = part.__call__, []

    def compute(self, *inputs):  # type: ignore[no-untyped-def]
        tried.append(min(len(inputs[place]), getattr(self, "_at_once", 32)))
        if tried[-1] > 1:
            raise torch.OutOfMemoryError("simulated")
        return whole(self, *inputs)

    monkeypatch.setattr(part, "__call__", compute)
    small = tracker()
    assert_same(run(small), expected)
    assert tried[0] == 2
    assert "at a time, which is slower" in small.notes[0]
