import numpy as np
import torch

from vosctl.training.sample import VOID, choose_objects


def clip() -> torch.Tensor:
    labels = torch.zeros(2, 20, 30, dtype=torch.uint8)
    labels[:, :8, :8] = 1
    labels[:, 10:18, 10:20] = 2
    labels[:, 19, 29] = VOID
    labels[1, 19, :5] = 3  # not in the reference
    return labels


def test_single_objects_keep_their_pixels() -> None:
    masks, present = choose_objects(clip(), np.random.default_rng(0), 2, merge=0.0)
    assert present.tolist() == [True, True]
    areas = sorted(int((masks[0, slot] == 1).sum()) for slot in (0, 1))
    assert areas == [64, 80]
    assert (masks[:, :, 19, 29] == VOID).all()
    assert (masks[1, :, 19, :5] == 0).all()


def test_merged_objects_are_all_that_the_reference_shows() -> None:
    masks, present = choose_objects(clip(), np.random.default_rng(0), 2, merge=1.0)
    assert present.tolist() == [True, False]
    assert int((masks[0, 0] == 1).sum()) == 144
    assert int((masks[1, 0] == 1).sum()) == 144
    assert not (masks[:, 1] == 1).any()
    assert (masks[:, 0, 19, 29] == VOID).all()


def test_nothing_to_follow() -> None:
    masks, present = choose_objects(torch.zeros(2, 9, 9, dtype=torch.uint8), np.random.default_rng(0), 2, 0.5)
    assert not present.any()
    assert not masks.any()
