import numpy as np
import pytest
import torch

from vosctl.tracking.blending import backward_share, blend, draw_given, labels_of, mask_frames, merged


def test_the_nearer_mask_counts_for_more() -> None:
    at = (10, 20, 40)
    shares = {frame: backward_share(frame, at) for frame in (0, 9, 10, 12, 15, 20, 35, 40, 41, 99)}
    expected = {0: 1, 9: 1, 10: 0, 12: 0.2, 15: 0.5, 20: 0, 35: 0.75, 40: 0, 41: 0, 99: 0}
    assert shares == pytest.approx(expected)


def test_the_frames_of_each_object() -> None:
    masks = {
        7: np.array([[0, 2]], np.uint8),
        3: np.array([[5, 2]], np.uint8),
        9: np.array([[5, 0]], np.uint8),
    }
    assert mask_frames(masks) == {2: (3, 7), 5: (3, 9)}


def test_blending_two_passes() -> None:
    one, other = np.float32([[1.0, 0.0]]), np.float32([[0.0, 0.8]])
    near_forward = blend({4: one}, {4: other}, {4: 0.25})
    np.testing.assert_allclose(near_forward[4], [[0.75, 0.2]])
    assert labels_of(near_forward, (1, 2)).tolist() == [[4, 0]]
    assert labels_of(blend({4: one}, {4: other}, {4: 0.75}), (1, 2)).tolist() == [[0, 4]]
    assert np.array_equal(blend({4: one}, {}, {4: 0.0})[4], one)
    assert np.array_equal(blend({}, {4: other}, {4: 1.0})[4], other)
    assert blend({}, {}, {4: 0.0}) == {}  # nothing is known of it yet
    assert not labels_of({}, (1, 2)).any()


def test_two_objects_that_claim_a_pixel_share_it() -> None:
    both = blend({1: np.float32([[0.9]])}, {2: np.float32([[0.6]])}, {1: 0.0, 2: 1.0})
    assert both[1] + both[2] == pytest.approx(1)
    assert both[1] / both[2] == pytest.approx(1.5)
    assert labels_of(both, (1, 1)) == 1


def test_a_given_mask_is_final_for_its_objects() -> None:
    found = np.array([[1, 1, 2, 2, 0]], np.uint8)
    given = np.array([[0, 1, 1, 0, 0]], np.uint8)
    assert draw_given(found, given).tolist() == [[0, 1, 1, 2, 0]]


def test_a_given_mask_is_certain_among_predictions() -> None:
    predicted = torch.tensor([[0.1, 0.2], [0.9, 0.3], [0.0, 0.5]]).reshape(1, 3, 1, 2)
    given = torch.tensor([[1, 0]])
    maps = merged(predicted, given.float(), (1, 2), (1,))
    assert maps[0, :, 0, 0].tolist() == [0, 1, 0]  # drawn
    assert maps[0, :, 0, 1].tolist() == pytest.approx([0.5, 0, 0.5])  # object 1 is nowhere else
    assert merged(None, given.float(), (1,), (1,))[0, :, 0].tolist() == [[0, 1], [1, 0]]
