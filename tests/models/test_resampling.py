import pytest
import torch
import torch.nn.functional as F

from vosctl.models.resampling import double, shifted_enlargement


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (15, 27)])
def test_doubling_is_bicubic_interpolation(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size, dtype=torch.float64)
    expected = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
    torch.testing.assert_close(double(x), expected, rtol=1e-12, atol=1e-12)
    assert double(x).is_contiguous(memory_format=torch.channels_last)


def test_shifts_move_zeros_in() -> None:
    before, here, after = shifted_enlargement(4, 9, torch.float64, torch.device("cpu"))
    assert here.shape == (9, 4)
    torch.testing.assert_close(before[1:], here[:-1])
    torch.testing.assert_close(after[:-1], here[1:])
    assert not before[0].any()
    assert not after[-1].any()


def test_training_may_follow_tracking() -> None:
    with torch.inference_mode():
        double(torch.rand(1, 1, 19, 23))
        shifted_enlargement(19, 40, torch.float32, torch.device("cpu"))
    x = torch.rand(1, 1, 19, 23, requires_grad=True)
    matrix = shifted_enlargement(19, 40, torch.float32, torch.device("cpu"))[1]
    (matrix @ double(x)[0, 0, :19]).sum().backward()
    assert x.grad is not None
