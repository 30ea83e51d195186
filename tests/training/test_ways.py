import numpy as np
import pytest

from vosctl.training.ways import crossing_ways, happens, leaving_way

SIZE = (100, 200)


@pytest.mark.parametrize("frames", [2, 3, 4, 6])
def test_crossing_ways_begin_apart_in_the_picture_and_meet(frames: int) -> None:
    for seed in range(20):
        first, second = crossing_ways(np.random.default_rng(seed), frames, SIZE)
        distances = np.linalg.norm(first - second, axis=1)
        assert distances[0] > 25
        assert distances[1:].min() < 20
        for way in (first, second):
            assert way.shape == (frames, 2)
            assert (way[0] > 0).all()
            assert (way[0] < (SIZE[1], SIZE[0])).all()


@pytest.mark.parametrize("frames", [3, 4, 5, 8])
def test_leaving_ways_lead_out_and_back(frames: int) -> None:
    for seed in range(20):
        way = leaving_way(np.random.default_rng(seed), frames, SIZE, extent=30)
        inside = ((way > 0) & (way < (SIZE[1], SIZE[0]))).all(1)
        assert inside[0]
        assert inside[-1]
        middle = way[frames // 2]
        assert ((middle < -29.9) | (middle > np.array([SIZE[1], SIZE[0]]) + 29.9)).any()


def test_two_frames_are_too_few_to_leave() -> None:
    way = leaving_way(np.random.default_rng(0), 2, SIZE, extent=30)
    assert ((way > 0) & (way < (SIZE[1], SIZE[0]))).all()


def test_what_never_happens_takes_no_random_number() -> None:
    rng = np.random.default_rng(0)
    assert not happens(rng, 0.0)
    assert rng.random() == np.random.default_rng(0).random()
    assert happens(rng, 1.0)
