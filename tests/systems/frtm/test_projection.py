"""Tests systems/frtm/projection_fused.py too, beside what it is named after."""

import pytest
import torch
import torch.nn.functional as F

from vosctl.compute.fused import can_pack, pack
from vosctl.compute.resampling import double
from vosctl.systems.frtm.projection import Projection
from vosctl.systems.frtm.projection_fused import DoubledTaps, FusedProjection


def projection() -> FusedProjection:
    torch.manual_seed(2)
    return FusedProjection(64).requires_grad_(False)


@torch.no_grad()
@pytest.mark.parametrize("width", [17, 54])
def test_the_last_convolution_at_small_size_is_the_one_at_full_size(width: int) -> None:
    project = projection().double()
    x = torch.rand(2, 64, 12, width, dtype=torch.float64)
    enlarged = F.relu(project.conv1(F.interpolate(x, scale_factor=2, mode="bicubic")))
    enlarged = F.interpolate(enlarged, scale_factor=2, mode="bicubic")
    enlarged = F.interpolate(enlarged, (45, 4 * width - 2), mode="bilinear", align_corners=False)
    torch.testing.assert_close(
        project(x, (45, 4 * width - 2)), project.conv2(enlarged), rtol=1e-10, atol=1e-10
    )
    plain = Projection(64).double()
    plain.load_state_dict(project.state_dict())
    torch.testing.assert_close(
        project(x, (45, 4 * width - 2)), plain(x, (45, 4 * width - 2)), rtol=1e-10, atol=1e-10
    )


@torch.inference_mode()
@pytest.mark.skipif(not can_pack(torch.zeros(1)), reason="this build of PyTorch has no fused convolution")
@pytest.mark.parametrize("size", [(1, 4), (5, 9), (25, 26)])
def test_sums_of_the_small_map_are_those_of_the_large(size: tuple[int, int]) -> None:
    project = projection()
    x = torch.randn(2, 64, *size).contiguous(memory_format=torch.channels_last)
    expected = F.conv2d(torch.relu(project.conv1(double(x))), *project._summation())
    found = DoubledTaps(project.conv1, *project._summation())(x).permute(0, 3, 1, 2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
@pytest.mark.skipif(not can_pack(torch.zeros(1, dtype=torch.bfloat16)), reason="no bfloat16 here")
@pytest.mark.parametrize("size", [(12, 17), (3, 40), (12, 3)])
def test_packed_in_bfloat16_it_is_the_same_but_for_rounding(size: tuple[int, int]) -> None:
    project, image = projection(), (4 * size[0] - 3, 4 * size[1])
    x = torch.randn(2, 64, *size).contiguous(memory_format=torch.channels_last)
    plain = project(x, image)
    pack(project.to(torch.bfloat16))
    found = project(x.to(torch.bfloat16), image).float()
    assert found.shape == plain.shape
    assert float((found - plain).abs().max()) < 0.03 * float(plain.abs().max())
