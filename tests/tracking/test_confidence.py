import numpy as np
import pytest
import torch

from tests.small import moving_discs, overlap, tiny_model
from vosctl.systems.aggregation import object_argmax
from vosctl.tracking.confidence import confidence, confidences_of
from vosctl.tracking.tracker import Tracker


def test_sure_masks_are_sure_and_vague_ones_are_not() -> None:
    p = torch.zeros(2, 3, 4, 4)
    p[0, 1, :2] = 1.0  # sure
    p[1, 1, :2] = 0.6  # vague, and half as likely around
    p[1, 1, 2:] = 0.3
    p[:, 0] = 1 - p[:, 1]
    found = confidence(p, object_argmax(p))
    assert found[0].tolist() == [1.0, 0.0]  # the second object is nowhere
    inside, outside = 8 * 0.6, 8 * 0.3
    assert found[1, 0] == pytest.approx((inside / (8 + outside)) ** 5, rel=1e-5)


def test_the_tracker_and_the_host_agree_and_a_lost_object_falls() -> None:
    frames, labels = moving_discs(8, objects=2)
    empty = [frame.copy() for frame in frames]
    for frame, label in zip(empty, labels, strict=True):
        frame[label == 2] = 110
    tracker = Tracker(tiny_model())
    results = list(tracker.run([*frames, *empty], {0: labels[0]}, soft=True, confidences=True))
    assert results[0].confidences == (1.0, 1.0)
    for result in results:
        assert result.probabilities is not None
        assert all(0 <= value <= 1 for value in result.confidences)
        maps = dict(zip(tracker.object_ids, result.probabilities[1:], strict=True))
        on_host = confidences_of(maps, result.labels, refined=tracker.refined)
        np.testing.assert_allclose(list(on_host.values()), result.confidences, atol=1e-4)
    here, gone = results[5], results[12]
    assert overlap(here.labels == 2, labels[5] == 2) > 0.3
    assert gone.confidences[1] < here.confidences[1]
