from pathlib import Path

import numpy as np
import pytest
import torch

from tests.small import moving_discs, tiny_agame, tiny_model
from vosctl.errors import UsageError
from vosctl.systems.agame.model import AGAMEModel
from vosctl.systems.agame.tracker import AGAMESystem
from vosctl.systems.catalogue import open_system
from vosctl.systems.frtm.tracker import FRTM
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import TrackedFrame, Tracker


@pytest.fixture(scope="module")
def model() -> AGAMEModel:
    return tiny_agame()


def run(model: AGAMEModel, frames, masks, *, soft: bool = False, **settings) -> list[TrackedFrame]:  # type: ignore[no-untyped-def]
    return list(Tracker(model, TrackerSettings(**settings)).run(frames, masks, soft=soft))


def test_a_model_has_its_system(model: AGAMEModel) -> None:
    assert isinstance(open_system(model, TrackerSettings()), AGAMESystem)
    assert isinstance(open_system(tiny_model(), TrackerSettings()), FRTM)


def test_each_frame_comes_at_once(model: AGAMEModel) -> None:
    frames, labels = moving_discs(5)
    taken = 0

    def source():  # type: ignore[no-untyped-def]
        nonlocal taken
        for frame in frames:
            taken += 1
            yield frame

    for result in Tracker(model, TrackerSettings(window=8)).run(source(), {0: labels[0]}):
        assert taken == result.index + 1


def test_several_objects_and_one_that_joins_later(model: AGAMEModel) -> None:
    frames, labels = moving_discs(6, objects=3)
    first, later = labels[0].copy(), labels[3].copy()
    first[first == 2] = 0
    later[later != 2] = 0
    results = run(model, frames, {0: first, 3: later}, soft=True)
    assert [len(r.probabilities) for r in results if r.probabilities is not None] == [3, 3, 3, 4, 4, 4]
    assert np.array_equal(results[3].labels == 2, later == 2)
    for result in results:
        np.testing.assert_allclose(result.probabilities.sum(0), 1, atol=1e-5)
    alone = run(model, frames, {0: first}, soft=True)
    for with_later, without in zip(results[:3], alone[:3], strict=True):
        assert np.array_equal(with_later.probabilities, without.probabilities)


def test_a_correction_starts_the_object_anew(model: AGAMEModel) -> None:
    frames, labels = moving_discs(6, objects=2)
    corrected = run(model, frames, {0: labels[0], 3: labels[3]}, soft=True)
    anew = run(model, frames[3:], {0: labels[3]}, soft=True)
    for a, b in zip(corrected[3:], anew, strict=True):
        assert np.array_equal(a.labels, b.labels)
        np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-5)


def test_frames_depend_on_the_ones_before(model: AGAMEModel) -> None:
    frames, labels = moving_discs(4)
    disturbed = [frames[0], 255 - frames[1], *frames[2:]]
    a, b = (run(model, pictures, {0: labels[0]}, soft=True) for pictures in (frames, disturbed))
    assert not np.allclose(a[3].probabilities, b[3].probabilities)


def test_without_update_the_gaussians_are_the_first_frames(model: AGAMEModel) -> None:
    frames, labels = moving_discs(4)
    for update in (True, False):
        tracker = Tracker(model, TrackerSettings(update=update))
        means = []
        for _ in tracker.run(frames, {0: labels[0]}):
            state = next(iter(tracker._system._states.values()))
            means.append(state.gaussians.mean.clone())
        assert np.array_equal(means[0], means[-1]) != update


@pytest.mark.parametrize("size", [(33, 17), (161, 97), (9, 3)])
def test_odd_sizes(model: AGAMEModel, size: tuple[int, int]) -> None:
    frames, labels = moving_discs(3, size, radius=6)
    labels[0][0, 0] = 1
    results = run(model, frames, {0: labels[0]})
    assert all(r.labels.shape == (size[1], size[0]) for r in results)


def test_sizes_that_16_does_not_divide_are_continued_by_reflection(model: AGAMEModel) -> None:
    frames, labels = moving_discs(3, (152, 96))
    wide = [np.pad(f, ((0, 0), (0, 8), (0, 0)), mode="reflect") for f in frames]
    mask = np.pad(labels[0], ((0, 0), (0, 8)), mode="reflect")
    a, b = run(model, frames, {0: labels[0]}, soft=True), run(model, wide, {0: mask}, soft=True)
    for narrow, by_hand in zip(a, b, strict=True):
        np.testing.assert_allclose(narrow.probabilities, by_hand.probabilities[:, :, :152], atol=1e-5)


def test_d_only_is_frtms() -> None:
    with pytest.raises(UsageError, match="d-only is a variant of FRTM"):
        Tracker(tiny_agame(), TrackerSettings(refine=False))


def test_a_saved_state_goes_on_exactly(model: AGAMEModel, tmp_path: Path) -> None:
    frames, labels = moving_discs(9, objects=2)
    masks = {0: np.where(labels[0] == 1, 1, 0).astype(np.uint8), 4: labels[4]}
    whole = Tracker(model)
    expected = []
    for result in whole.run(frames, masks, soft=True):
        expected.append(result)
        torch.save(whole.state_dict(), tmp_path / f"{whole.position}.pt")
    for position in (1, 3, 5, 8):
        tracker = Tracker(model)
        tracker.load_state_dict(torch.load(tmp_path / f"{position}.pt", weights_only=True))
        rest = list(tracker.run(frames[position:], masks, soft=True))
        assert len(rest) == 9 - position
        for found, wanted in zip(rest, expected[position:], strict=True):
            assert found.probabilities is not None
            assert wanted.probabilities is not None
            assert np.array_equal(found.probabilities, wanted.probabilities)


def test_scores_are_there_where_asked_for(model: AGAMEModel) -> None:
    frames, labels = moving_discs(3, (150, 90), objects=2)
    for one, count in ((model, 4), (tiny_model(), 1), (tiny_agame(appearance=False), 1)):
        first, *later = Tracker(one, TrackerSettings()).run(frames, {0: labels[0]}, scores=True)
        assert first.scores is None
        for result in later:
            assert result.scores is not None
            assert result.scores.shape == (2, count, 23, 38)  # a quarter of the frame
    assert all(r.scores is None for r in run(model, frames, {0: labels[0]}))
