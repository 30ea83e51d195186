import numpy as np
import pytest

from vosctl.evaluation.statistics import Statistics, mean_of, statistics_of

from .plain_scorer import plain_decay


def test_hand_computed():
    """Eight frames: bounds 1, 2.75 -> 3, 4.5 -> 5, 6.25 -> 6, 8, so the quarters are frames 1..3 and 6..8."""
    statistics = statistics_of([1.0, 0.9, 0.8, 0.7, 0.5, 0.4, 0.3, 0.2])
    assert statistics.mean == pytest.approx(0.6)
    assert statistics.recall == 0.5  # 0.5 itself is not above
    assert statistics.decay == pytest.approx(0.9 - 0.3)


def test_halves_between_even_numbers_round_up():
    """Three frames: 1, 1.5, 2, 2.5, 3; without the 1e-10 the fourth bound would round to 2."""
    assert statistics_of([1.0, 0.5, 0.0]).decay == pytest.approx((1.0 + 0.5) / 2 - 0.0)


def test_one_frame():
    assert statistics_of([0.7]) == Statistics(mean=0.7, recall=1.0, decay=0.0)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 48, 98, 254, 255, 256, 257, 300, 1000])
def test_decay_of_any_length(count):
    values = np.random.default_rng(count).random(count).tolist()
    assert statistics_of(values).decay == pytest.approx(plain_decay(values), abs=1e-12)


@pytest.mark.parametrize("count", [3, 10, 97, 254, 255])
def test_below_256_frames_the_bounds_are_those_of_the_8_bit_tool(count):
    values = np.random.default_rng(count).random(count)
    bounds = (np.round(np.linspace(1, count, 5) + 1e-10) - 1).astype(np.uint8).astype(int)
    quarters = [values[bounds[i] : bounds[i + 1] + 1] for i in (0, 3)]
    assert statistics_of(values.tolist()).decay == quarters[0].mean() - quarters[1].mean()


def test_decay_of_300_frames_is_the_fall_from_first_to_last_quarter():
    assert statistics_of([0.9] * 100 + [0.5] * 100 + [0.2] * 100).decay == pytest.approx(0.7)


def test_the_mean_counts_every_object_the_same():
    assert mean_of([Statistics(0.2, 0.0, 0.1), Statistics(0.6, 1.0, -0.1)]) == Statistics(
        pytest.approx(0.4), pytest.approx(0.5), pytest.approx(0.0)
    )


def test_no_frames_have_no_statistics():
    with pytest.raises(ValueError, match="no frames"):
        statistics_of([])
