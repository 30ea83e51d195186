import pytest
import torch
import torch.nn.functional as F

from vosctl.models.resampling import double, enlarged_taps


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (15, 27)])
def test_doubling_is_bicubic_interpolation(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size, dtype=torch.float64)
    expected = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
    torch.testing.assert_close(double(x), expected, rtol=1e-12, atol=1e-12)
    assert double(x).is_contiguous(memory_format=torch.channels_last)


def test_shifts_move_zeros_in() -> None:
    matrix = enlarged_taps(4, 9, 1, torch.float64, torch.device("cpu"))
    before, here, after = matrix.view(9, 3, 4).unbind(1)
    assert here.shape == (9, 4)
    torch.testing.assert_close(before[1:], here[:-1])
    torch.testing.assert_close(after[:-1], here[1:])
    assert not before[0].any()
    assert not after[-1].any()
    phases = enlarged_taps(4, 9, 2, torch.float64, torch.device("cpu")).view(9, 3, 2, 2)
    torch.testing.assert_close(phases[:, 1, 1], here[:, 1::2])  # the odd rows


def test_training_may_follow_tracking() -> None:
    with torch.inference_mode():
        double(torch.rand(1, 1, 19, 23))
        enlarged_taps(19, 40, 1, torch.float32, torch.device("cpu"))
    x = torch.rand(1, 1, 19, 23, requires_grad=True)
    matrix = enlarged_taps(19, 40, 1, torch.float32, torch.device("cpu"))[:, :19]
    (matrix @ double(x)[0, 0, :19]).sum().backward()
    assert x.grad is not None
