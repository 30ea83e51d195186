import torch

from vosctl.systems.aggregation import aggregate, object_argmax


def test_values_worked_out_by_hand() -> None:
    # p = 0.8 and 0.5: p_0 = min(0.2, 0.5) = 0.2; odds 0.25, 4 and 1, which sum to 5.25.
    logits = torch.logit(torch.tensor([0.8, 0.5])).view(1, 2, 1, 1)
    expected = torch.tensor([0.25, 4.0, 1.0]) / 5.25
    torch.testing.assert_close(aggregate(logits).flatten(), expected)


def test_one_object_is_the_rule_for_several() -> None:
    logits = torch.randn(2, 1, 9, 11, dtype=torch.float64) * 4
    p = torch.sigmoid(logits)
    odds = torch.cat([(1 - p) / p, p / (1 - p)], 1)
    torch.testing.assert_close(aggregate(logits), odds / odds.sum(1, keepdim=True))


def test_certain_objects_stay_finite_in_any_dtype() -> None:
    logits = torch.tensor([[80.0, -80.0], [80.0, 80.0]]).view(2, 2, 1, 1)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        probabilities = aggregate(logits.to(dtype))
        assert probabilities.dtype == torch.float32
        assert torch.isfinite(probabilities).all()
        torch.testing.assert_close(probabilities.sum(1), torch.ones(2, 1, 1))


def test_object_argmax_is_argmax_with_ties_to_the_first() -> None:
    maps = torch.randint(0, 4, (3, 5, 20, 30), generator=torch.Generator().manual_seed(0)).float()
    expected = torch.stack([(m == m.max(0).values).int().argmax(0) for m in maps])
    assert torch.equal(object_argmax(maps).long(), expected)
