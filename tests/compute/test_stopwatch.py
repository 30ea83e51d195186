import time

import pytest
import torch

from tests.small import moving_discs, tiny_model
from vosctl.compute.stopwatch import Stopwatch
from vosctl.tracking.tracker import Tracker


def test_stages_add_up() -> None:
    watch = Stopwatch(torch.device("cpu"))
    for _ in range(2):
        with watch.stage("a"):
            time.sleep(0.01)
    assert list(watch.timed("b", range(3))) == [0, 1, 2]
    seconds = watch.seconds()
    assert 0.02 <= seconds["a"] < 1
    assert set(seconds) == {"a", "b"}


def test_without_a_device_it_does_nothing() -> None:
    watch = Stopwatch()
    with watch.stage("a"), watch.host_stage("b"):
        pass
    assert watch.seconds() == {}


def test_the_stages_of_a_run_are_its_time() -> None:
    frames, labels = moving_discs(17)
    watch = Stopwatch(torch.device("cpu"))
    tracker = Tracker(tiny_model(refined=True), stopwatch=watch)
    list(tracker.run(frames, {0: labels[0]}))
    seconds = watch.seconds()
    assert {"first frame", "features", "target model", "refinement", "memory", "update"} <= set(seconds)
    assert watch.counts == {"memory": 4}  # every fourth frame
    assert 0.8 < sum(seconds.values()) / tracker.stats.model_seconds <= 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: its events cannot be tried")
def test_a_gpu_stamps_its_own_time() -> None:
    device = torch.device("cuda")
    watch = Stopwatch(device)
    matrix = torch.rand(2048, 2048, device=device)
    with watch.stage("a"):
        for _ in range(20):
            matrix = matrix @ matrix
    assert watch.seconds()["a"] > 0
