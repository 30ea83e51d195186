"""Tests systems/frtm/tracker.py too, beside what it is named after."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.small import moving_discs, overlap, tiny_model
from vosctl.errors import DeviceError, MaskError, UsageError
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.tracker import FRTM
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker


def run(frames, masks, settings=None, model=None, **options):  # type: ignore[no-untyped-def]
    return list(Tracker(model or tiny_model(), settings).run(frames, masks, **options))


@pytest.mark.parametrize(
    ("refined", "prior", "matching"),
    [(False, False, False), (True, False, False), (True, True, False), (True, True, True)],
)
def test_windows_change_nothing(refined: bool, prior: bool, matching: bool) -> None:
    """Frames between two updates as one batch, against one by one: 19 frames are two updates and a rest."""
    frames, labels = moving_discs(19, objects=2)
    model = tiny_model(refined, prior, matching).prepare(
        torch.device("cpu"), torch.float64
    )  # no rounding that feeds back
    by_window = {
        window: run(frames, {0: labels[0]}, TrackerSettings(window=window), model, soft=True)
        for window in (1, 3, 8)
    }
    for window in (3, 8):
        for one, many in zip(by_window[1], by_window[window], strict=True):
            assert one.index == many.index
            assert one.probabilities is not None
            np.testing.assert_allclose(one.probabilities, many.probabilities, atol=1e-6)
            assert np.array_equal(one.labels, many.labels)


def test_a_disc_is_followed_and_updates_help_it() -> None:
    frames, labels = moving_discs(30)
    scores = {}
    for update in (True, False):
        results = run(frames, {0: labels[0]}, TrackerSettings(update=update))
        assert [r.index for r in results] == list(range(30))
        scores[update] = np.mean(
            [overlap(r.labels == 1, label == 1) for r, label in zip(results, labels, strict=True)]
        )
    assert scores[True] > 0.7
    assert abs(scores[True] - scores[False]) > 1e-3  # the update does something


def test_the_same_run_twice_is_the_same() -> None:
    frames, labels = moving_discs(10, objects=2)
    first, second = run(frames, {0: labels[0]}), run(frames, {0: labels[0]})
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.labels, b.labels)


def test_twelve_objects_with_any_ids() -> None:
    frames, labels = moving_discs(6, (288, 96), objects=12, radius=9)
    ids = np.array([0, *range(200, 254, 5), 254], np.uint8)[:13]
    results = run(frames, {0: ids[labels[0]]})
    assert set(np.unique(results[0].labels)) == set(ids)
    assert set(np.unique(results[-1].labels)) <= set(ids)
    assert len(set(np.unique(results[3].labels))) > 6


def test_an_object_may_join_later() -> None:
    frames, labels = moving_discs(14, objects=2)
    only_first = np.where(labels[0] == 1, 1, 0).astype(np.uint8)
    only_second = np.where(labels[6] == 2, 2, 0).astype(np.uint8)
    tracker = Tracker(tiny_model())
    results = list(tracker.run(frames, {0: only_first, 6: only_second}))
    assert tracker.object_ids == (1, 2)
    assert all(2 not in r.labels for r in results[:6])
    assert np.array_equal(results[6].labels == 2, only_second == 2)
    assert overlap(results[9].labels == 2, labels[9] == 2) > 0.5
    assert overlap(results[9].labels == 1, labels[9] == 1) > 0.5


def test_a_later_mask_corrects_an_object() -> None:
    frames, labels = moving_discs(20, objects=2)
    swapped = np.array([0, 2, 1], np.uint8)
    wrong = np.where(labels[0] == 2, 1, 0).astype(np.uint8)  # object 1 is first drawn on the other disc
    right = np.where(labels[8] == 1, 1, 0).astype(np.uint8)
    uncorrected = run(frames, {0: wrong})
    corrected = run(frames, {0: wrong, 8: right})
    assert overlap(uncorrected[12].labels == 1, swapped[labels[12]] == 1) > 0.5
    assert np.array_equal(corrected[8].labels, right)
    there = labels[12] == 1
    assert (corrected[12].labels[there] == 1).mean() > 0.5
    assert (uncorrected[12].labels[there] == 1).mean() < 0.2
    for before, after in zip(uncorrected[:8], corrected[:8], strict=True):
        assert np.array_equal(before.labels, after.labels)


def test_frames_before_the_first_mask_are_background() -> None:
    frames, labels = moving_discs(6)
    results = run(frames, {3: labels[3]})
    assert len(results) == 6
    assert not any(r.labels.any() for r in results[:3])
    assert np.array_equal(results[3].labels, labels[3])


def test_an_object_that_leaves_the_frame_is_gone_and_not_learned() -> None:
    frames, labels = moving_discs(8)
    empty = np.random.default_rng(0).integers(90, 130, (*labels[0].shape, 1), np.uint8).repeat(3, 2)
    results = run([*frames, *[empty] * 24], {0: labels[0]})
    assert len(results) == 32
    assert (results[-1].labels == 1).mean() < 0.05


@pytest.mark.parametrize("size", [(33, 17), (161, 97), (64, 200)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    frames, labels = moving_discs(4, size, radius=6)
    results = run(frames, {0: labels[0]}, model=tiny_model(refined=True))
    assert all(r.labels.shape == (size[1], size[0]) for r in results)


def test_one_pixel_is_an_object() -> None:
    frames, labels = moving_discs(10)
    mask = np.zeros_like(labels[0])
    mask[40, 60] = 3
    results = run(frames, {0: mask})
    assert np.array_equal(results[0].labels, mask)
    assert set(np.unique(results[-1].labels)) <= {0, 3}


def test_max_size_reduces_the_work_not_the_mask() -> None:
    frames, labels = moving_discs(6, (320, 192), radius=36)
    tracker = Tracker(tiny_model(), TrackerSettings(max_size=160))
    results = list(tracker.run(frames, {0: labels[0]}))
    assert tracker.stats.size == (160, 96)
    assert all(r.labels.shape == (192, 320) for r in results)
    assert np.array_equal(results[0].labels, labels[0])
    assert overlap(results[4].labels == 1, labels[4] == 1) > 0.6


def test_probabilities_sum_to_one_and_agree_with_the_labels() -> None:
    frames, labels = moving_discs(5, objects=2)
    for result in run(frames, {0: labels[0]}, soft=True):
        assert result.probabilities is not None
        assert result.probabilities.shape == (3, *labels[0].shape)
        np.testing.assert_allclose(result.probabilities.sum(0), 1, atol=1e-5)
        assert np.array_equal(result.probabilities.argmax(0), result.labels)


def test_the_state_does_not_grow_with_the_clip() -> None:
    frames, labels = moving_discs(4)
    sizes = []
    for repeats in (4, 12):
        tracker = Tracker(tiny_model())
        for _ in tracker.run(frames * repeats, {0: labels[0]}):
            pass
        sizes.append(
            sum(tensor.numel() * tensor.element_size() for tensor in tracker._system._learned.parts())
        )
    assert sizes[0] == sizes[1] < 25e6


def test_each_object_costs_a_few_megabytes() -> None:
    """At 480x854, by the bytes of all tensors that stay between frames."""
    model = tiny_model()
    sizes = []
    for objects in (1, 3):
        system = FRTM(model, TrackerSettings(initial_samples=1))
        masks = {i: torch.zeros(480, 854) for i in range(1, objects + 1)}
        for index, mask in masks.items():
            mask[100:200, 100 * index : 100 * index + 80] = 1
        system.start(torch.rand(3, 480, 854), masks)
        assert system._learned is not None
        sizes.append(sum(tensor.numel() * tensor.element_size() for tensor in system._learned.parts()))
    assert 2e6 < (sizes[1] - sizes[0]) / 2 < 25e6


def test_what_does_not_fit_the_device_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, labels = moving_discs(6, objects=2)
    model = tiny_model(refined=True)
    expected = run(frames, {0: labels[0]}, model=model)
    assert isinstance(model, FRTMModel)
    refine, room, tried = type(model.refinement).forward, 1, []

    def forward(self, features, scores, *rest):  # type: ignore[no-untyped-def]
        tried.append(scores.shape[0] * scores.shape[1])
        if tried[-1] > room:
            raise torch.OutOfMemoryError("simulated")
        return refine(self, features, scores, *rest)

    monkeypatch.setattr(type(model.refinement), "forward", forward)
    tracker = Tracker(model)
    found = list(tracker.run(frames, {0: labels[0]}))
    assert tried[0] == 2
    assert set(tried[2:]) == {1}  # remembered, after either half of the window has tried
    assert "1 object of 1 frame at a time" in tracker.notes[0]
    for one, other in zip(expected, found, strict=True):
        assert (one.labels == other.labels).mean() > 0.999
    room = 0
    with pytest.raises(DeviceError, match="no room for one object at 160x96"):
        run(frames, {0: labels[0]}, model=model)


def test_frames_are_taken_no_more_than_a_window_ahead() -> None:
    frames, labels = moving_discs(24)
    taken = 0

    def source():  # type: ignore[no-untyped-def]
        nonlocal taken
        for frame in frames:
            taken += 1
            yield frame

    for result in Tracker(tiny_model(), TrackerSettings(window=4)).run(source(), {0: labels[0]}):
        assert taken - result.index <= 4


def test_masks_that_do_not_fit() -> None:
    frames, labels = moving_discs(3)
    with pytest.raises(MaskError, match="the mask for frame 0 is 10x10, the frame 160x96"):
        run(frames, {0: np.ones((10, 10), np.uint8)})
    with pytest.raises(MaskError, match="given for frame 7, but the clip has 3 frames"):
        run(frames, {0: labels[0], 7: labels[0]})


@pytest.mark.parametrize(
    "wrong",
    [{"window": 0}, {"learning_rate": 1.0}, {"initial_samples": 0}, {"max_size": 8}, {"update_interval": 0}],
)
def test_settings_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        TrackerSettings(**wrong)  # type: ignore[arg-type]


def test_a_saved_state_goes_on_exactly(tmp_path: Path) -> None:
    """Stopped before a mask has come, between updates, and where a second object joins."""
    frames, labels = moving_discs(22, (96, 64), objects=2, radius=12)
    masks = {2: np.where(labels[2] == 1, 1, 0).astype(np.uint8), 13: labels[13]}
    settings, model = TrackerSettings(window=3, initial_samples=2), tiny_model(True, True, True)
    whole = Tracker(model, settings)
    states = {0: whole.state_dict()}
    expected = []
    for result in whole.run(frames, masks, soft=True):
        expected.append(result)
        if result.index + 1 == whole.position:
            torch.save(whole.state_dict(), tmp_path / "state.pt")
            states[whole.position] = torch.load(tmp_path / "state.pt", weights_only=True)
    assert {1, 6, 14, 19} <= states.keys()
    for position in (1, 6, 14, 19):
        tracker = Tracker(model, settings)
        tracker.load_state_dict(states[position])
        assert tracker.position == position
        rest = list(tracker.run(frames[position:], masks, soft=True))
        assert [result.index for result in rest] == list(range(position, 22))
        for found, wanted in zip(rest, expected[position:], strict=True):
            assert np.array_equal(found.labels, wanted.labels)
            if wanted.probabilities is not None:
                assert found.probabilities is not None
                assert np.array_equal(found.probabilities, wanted.probabilities)
