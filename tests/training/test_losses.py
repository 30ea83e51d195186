import torch
import torch.nn.functional as F

from vosctl.training.losses import segmentation_losses

ONE = torch.ones(1, 1, dtype=torch.bool)


def test_one_object_is_plain_cross_entropy_and_soft_iou() -> None:
    logits = torch.randn(1, 1, 6, 8)
    masks = (torch.rand(1, 1, 6, 8) > 0.5).to(torch.uint8)
    bce, iou = segmentation_losses(logits, masks, ONE)
    assert torch.allclose(bce, F.binary_cross_entropy_with_logits(logits, masks.float()))
    p, y = torch.sigmoid(logits), masks.float()
    assert torch.allclose(iou, 1 - (p * y).sum() / (p + y - p * y).sum())


def test_void_and_absent_objects_do_not_count() -> None:
    logits = torch.randn(2, 2, 6, 8)
    masks = (torch.rand(2, 2, 6, 8) > 0.5).to(torch.uint8)
    present = torch.tensor([[True, False], [True, True]])
    before = segmentation_losses(logits, masks, present)
    logits[0, 1] += 5
    masks[0, 1] = 1 - masks[0, 1]
    assert all(
        torch.allclose(a, b) for a, b in zip(before, segmentation_losses(logits, masks, present), strict=True)
    )

    single, mask = torch.randn(1, 1, 6, 8), torch.ones(1, 1, 6, 8, dtype=torch.uint8)
    mask[..., :4] = 255
    before = segmentation_losses(single, mask, ONE)
    single[..., :4] = 9
    assert all(
        torch.allclose(a, b) for a, b in zip(before, segmentation_losses(single, mask, ONE), strict=True)
    )


def test_perfect_masks_cost_nothing_and_a_hidden_object_has_no_iou() -> None:
    masks = torch.zeros(1, 2, 6, 8, dtype=torch.uint8)
    masks[0, 0, :3] = 1
    logits = torch.where(masks == 1, 20.0, -20.0)
    bce, iou = segmentation_losses(logits, masks, torch.ones(1, 2, dtype=torch.bool))
    assert bce < 1e-4
    assert iou < 1e-4


def test_objects_compete() -> None:
    """What the other object claims more surely is lost for this one."""
    masks = torch.ones(1, 2, 4, 4, dtype=torch.uint8)
    masks[0, 1] = 0
    both = torch.ones(1, 2, dtype=torch.bool)
    alone = segmentation_losses(torch.tensor([[2.0, -9.0]])[..., None, None].expand(1, 2, 4, 4), masks, both)[
        1
    ]
    contested = segmentation_losses(
        torch.tensor([[2.0, 4.0]])[..., None, None].expand(1, 2, 4, 4), masks, both
    )[1]
    assert contested > alone + 0.5
