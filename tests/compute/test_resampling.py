import pytest
import torch
import torch.nn.functional as F

from vosctl.compute.resampling import double, enlarged_columns, enlarged_rows


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (15, 27)])
def test_doubling_is_bicubic_interpolation(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size, dtype=torch.float64)
    expected = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
    torch.testing.assert_close(double(x), expected, rtol=1e-12, atol=1e-12)
    assert double(x).is_contiguous(memory_format=torch.channels_last)


CPU = torch.device("cpu")


def whole(small: int, large: int) -> torch.Tensor:
    """All rows of the enlarging matrix."""
    rows = [(at, matrix) for at, matrix in enlarged_rows(small, large, torch.float64, CPU)]
    return torch.cat([F.pad(matrix, (at.start, 3 * small - at.stop)) for at, matrix in rows])


def test_shifts_move_zeros_in() -> None:
    before, here, after = whole(4, 9).view(9, 4, 3).unbind(2)
    torch.testing.assert_close(before[1:], here[:-1])
    torch.testing.assert_close(after[:-1], here[1:])
    assert not before[0].any()
    assert not after[-1].any()


@pytest.mark.parametrize(("small", "large"), [(4, 9), (70, 300), (100, 129)])
def test_blocks_of_columns_are_the_whole_matrix(small: int, large: int) -> None:
    starts, needed, blocks = enlarged_columns(small, large, torch.float64, CPU)
    maps = torch.rand(2, small, 3, 3, dtype=torch.float64)  # (rows, columns, i, j)
    found = torch.cat(
        [
            (maps[:, at : at + needed].flatten(1) @ block).view(2, 3, -1)
            for at, block in zip(starts, blocks, strict=True)
        ],
        2,
    )
    matrix = whole(small, large).view(large, small, 3)
    torch.testing.assert_close(found[..., :large], torch.einsum("wqj,rqij->riw", matrix, maps))
    assert not found[..., large:].any()


def test_training_may_follow_tracking() -> None:
    with torch.inference_mode():
        double(torch.rand(1, 1, 19, 23))
        enlarged_rows(19, 40, torch.float32, CPU)
    x = torch.rand(1, 1, 19, 23, requires_grad=True)
    ((_, matrix),) = enlarged_rows(19, 40, torch.float32, CPU)
    (matrix[:, :19] @ double(x)[0, 0, :19]).sum().backward()
    assert x.grad is not None
