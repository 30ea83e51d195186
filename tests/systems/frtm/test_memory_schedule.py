from itertools import pairwise

import pytest
import torch

from vosctl.systems.frtm.memory_schedule import MemorySchedule, Rate
from vosctl.systems.frtm.target_memory import next_weights
from vosctl.systems.settings import TrackerSettings

_ETA = 0.1


def _weights(schedule: MemorySchedule, cycles: int) -> list[tuple[int, float]]:
    """When each remembered frame was seen, and its weight after so many updates."""
    weights: list[tuple[int, float]] = []
    share = torch.zeros(1, dtype=torch.float64)
    for cycle in range(cycles):
        start = cycle * schedule.update_interval
        places = range(schedule.update_interval)[schedule.remembered(schedule.update_interval)]
        rates = schedule.rates(schedule.update_interval, schedule.update_interval)
        added, share = next_weights(share, torch.ones(1, len(places), dtype=torch.bool), rates)
        keep = 1 - float(added.sum())
        weights = [(frame, weight * keep) for frame, weight in weights]
        weights += [(start + place, float(one)) for place, one in zip(places, added[0], strict=True)]
    return weights


@pytest.mark.parametrize("memory_interval", [1, 3, 4])
@pytest.mark.parametrize("update_interval", [1, 2, 3, 4, 5, 6, 8, 16])
def test_eta_is_the_same_at_every_interval(update_interval: int, memory_interval: int) -> None:
    """All that is older than n frames weighs (1 - eta)^n together, as if every frame were remembered."""
    cycles = 480 // update_interval
    weights = _weights(MemorySchedule(_ETA, update_interval, memory_interval), cycles)
    assert sum(weight for _, weight in weights) == pytest.approx(1)
    frames = cycles * update_interval
    for back in (update_interval, 3 * update_interval, 2 * 48):
        older = sum(weight for frame, weight in weights if frame < frames - back)
        if back % update_interval == 0:
            effective = 1 - older ** (1 / back)
            assert effective == pytest.approx(_ETA, abs=1e-6)


def test_with_every_frame_remembered_it_is_the_paper_s_rule() -> None:
    """gamma_i = gamma_{i-1} / (1 - eta), gamma_0 = eta, normalised; the paper's t_s is 8."""
    weights = [weight for _, weight in _weights(MemorySchedule(_ETA, 8, 1), 5)]
    for before, after in pairwise(weights):
        assert before / after == pytest.approx(1 - _ETA)


@pytest.mark.parametrize("window", [1, 2, 3])
def test_windows_that_end_between_remember_the_same_frames(window: int) -> None:
    schedule = MemorySchedule(_ETA, 6, 4)
    whole = schedule.rates(6, 6)
    assert whole == (Rate(1 - 0.9**2, 1 - 0.9**4), Rate(1 - 0.9**4, 1 - 0.9**2))
    parts = [rate for left in range(6, 0, -window) for rate in schedule.rates(left, min(window, left))]
    assert tuple(parts) == whole


def test_the_settings_pin_what_is_used() -> None:
    settings = TrackerSettings()
    assert (settings.update_interval, settings.memory_interval, settings.learning_rate) == (4, 4, 0.1)
    (rate,) = MemorySchedule(0.1, 4, 4).rates(4, 4)
    assert rate.own == rate.before == 1 - 0.9**4
