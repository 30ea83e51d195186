import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vosctl.systems.frtm.matching import Matching, best_matches, matching_cues, matching_loss, rival_scores


def keys(*shape: int) -> Tensor:
    return F.normalize(torch.randn(*shape, dtype=torch.float64), dim=-3)


def slowly(asked: Tensor, known: Tensor, mask: Tensor, reach: int) -> Tensor:
    """One object of one frame, cell by cell: (E, h, w), (E, h', w'), (h, w) of 0 and 1 -> (2, h, w)."""
    height, width = asked.shape[1:]
    result = torch.zeros(2, height, width, dtype=asked.dtype)
    for row, column in itertools.product(range(height), range(width)):
        for other_row, other_column in itertools.product(range(height), range(width)):
            if max(abs(row - other_row), abs(column - other_column)) > reach:
                continue
            cosine = (asked[:, row, column] * known[:, other_row, other_column]).sum()
            kind = 0 if mask[other_row, other_column] else 1
            result[kind, row, column] = max(result[kind, row, column], (cosine + 1) / 2)
    return result


@pytest.mark.parametrize("reach", [None, 2])
def test_the_best_match_is_found_as_by_looking_at_all(reach: int | None) -> None:
    torch.manual_seed(2)
    asked, known = keys(2, 5, 13, 8), keys(1, 3, 5, 13, 8)
    masks = (torch.rand(1, 3, 13, 8) > 0.7).double()
    masks[0, 2] = 0  # an object that is lost
    found = best_matches(asked, known, masks, reach)
    assert found.shape == (2, 3, 2, 13, 8)
    for frame, one in itertools.product(range(2), range(3)):
        expected = slowly(asked[frame], known[0, one], masks[0, one], 99 if reach is None else reach)
        torch.testing.assert_close(found[frame, one], expected)
    assert not found[:, 2, 0].any()


def test_cells_that_a_mask_covers_in_part_count_in_part() -> None:
    known = keys(1, 1, 4, 1, 1)
    half = best_matches(known[0], known, torch.full((1, 1, 1, 1), 0.5).double())
    torch.testing.assert_close(half, torch.full_like(half, 0.5))  # a cosine of 1 less half of its range


def test_a_frame_matches_itself() -> None:
    torch.manual_seed(1)
    frame, masks = keys(1, 64, 9, 9), torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    masks[..., 2:5, 3:7] = 1
    cues = matching_cues(frame, frame[None], masks, frame[None], masks)[0, 0]  # (4, 9, 9)
    for own, rest in (cues[:2], cues[2:]):
        torch.testing.assert_close(own[masks[0, 0] > 0], torch.ones(12).double())
        torch.testing.assert_close(rest[masks[0, 0] == 0], torch.ones(69).double())
        assert (own - rest > 0).equal(masks[0, 0] > 0)


def test_keys_have_length_one_and_forget_how_strong_features_are() -> None:
    torch.manual_seed(1)
    matching, features = Matching(16), torch.rand(2, 16, 3, 4)
    torch.nn.init.zeros_(matching.embed.bias)
    found = matching.keys(features)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2, 3, 4))
    torch.testing.assert_close(matching.keys(7 * features), found)


def test_rivals_are_the_best_of_the_others() -> None:
    scores = torch.tensor([0.9, 0.4, -0.3]).view(1, 3, 1, 1)
    assert rival_scores(scores).flatten().tolist() == pytest.approx([0.4, 0.9, 0.9])
    assert rival_scores(scores[:, 1:]).flatten().tolist() == pytest.approx([0, 0.4])  # never below 0
    assert rival_scores(torch.full((1, 2, 1, 1), 0.5)).flatten().tolist() == [0.5, 0.5]
    assert not rival_scores(scores[:, :1]).any()


def test_the_loss_falls_when_matches_tell_the_object() -> None:
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    good = torch.stack([mask, 1 - mask, mask, 1 - mask], 2)
    even = torch.full_like(good, 0.5)
    assert matching_loss(good, mask) < 0.01 < matching_loss(even, mask) < matching_loss(1 - good, mask)
    lost = good.clone()
    lost[:, :, 2] = 0  # nothing to match with in the last frame
    torch.testing.assert_close(matching_loss(lost, mask), matching_loss(good, mask))


def test_the_loss_trains_the_embedding() -> None:
    torch.manual_seed(1)
    matching = Matching(8)
    features, mask = torch.randn(1, 8, 5, 5), torch.zeros(1, 1, 5, 5)
    mask[..., 1:3, 1:4] = 1
    found = matching.keys(features)
    matching_loss(matching_cues(found, found[None], mask, found[None], mask), mask).backward()
    assert matching.embed.weight.grad is not None
    assert matching.embed.weight.grad.any()
