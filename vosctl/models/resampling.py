"""Enlarging maps by matrix products: the same as `F.interpolate`, several times faster on a CPU.

Bicubic and bilinear enlarging are linear and separable: one matrix for the rows, one for the columns.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.models.constants import constant


@constant
def doubling(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The matrix (2*size, size) of bicubic enlarging by two, in one dimension."""
    return _matrix(size, 2 * size, "bicubic").to(dtype).to(device)


@constant
def enlarged_taps(small: int, large: int, phases: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Bicubic enlarging by two, then bilinear to any size, then a shift by -1, 0 and 1, zeros moving in.

    Args:
        small: size of what is enlarged.
        large: size of the result.
        phases: 1; or 2 for what comes as all even rows, then all odd ones.
        dtype: of the matrix.
        device: of the matrix.

    Returns:
        (large, 3*small), for the three rows (or columns) of a 3x3 kernel, side by side.
    """
    matrix = _matrix(2 * small, large, "bilinear") @ _matrix(small, 2 * small, "bicubic")
    padded = F.pad(matrix, (0, 0, 1, 1))
    shifts = torch.stack([padded[shift : shift + large] for shift in range(3)], 1)  # (large, 3, small)
    return shifts.view(large, 3, -1, phases).transpose(2, 3).flatten(1).to(dtype).to(device)


def double(x: Tensor) -> Tensor:
    """Bicubic enlarging by two, align_corners=False: (N, C, h, w) -> (N, C, 2h, 2w), channels last."""
    c, h, w = x.shape[1:]
    columns, rows = doubling(w, x.dtype, x.device), doubling(h, x.dtype, x.device)
    enlarged = []
    for image in x:  # one by one: products of the right shape, and no transpose at the large size
        wide = columns @ image.permute(2, 1, 0).reshape(w, h * c)  # (2w, h*c)
        tall = rows @ wide.view(2 * w, h, c).permute(1, 0, 2).reshape(h, -1)  # (2h, 2w*c)
        enlarged.append(tall.view(1, 2 * h, 2 * w, c))
    return (torch.cat(enlarged) if len(enlarged) > 1 else enlarged[0]).permute(0, 3, 1, 2)


def _matrix(small: int, large: int, mode: str) -> Tensor:
    """What `F.interpolate` does to each unit vector, (large, small); float64, so that products stay exact."""
    eye = torch.eye(small, dtype=torch.float64)[None, None]
    return F.interpolate(eye, size=(large, small), mode=mode, align_corners=False)[0, 0]
