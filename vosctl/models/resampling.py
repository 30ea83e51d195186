"""Enlarging maps by matrix products: the same as `F.interpolate`, several times faster on a CPU.

Bicubic and bilinear enlarging are linear and separable: one matrix for the rows, one for the columns.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # training may find in the cache what tracking has put there
def doubling(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The matrix (2*size, size) of bicubic enlarging by two, in one dimension."""
    return _matrix(size, 2 * size, "bicubic").to(dtype).to(device)


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # training may find in the cache what tracking has put there
def shifted_enlargement(small: int, large: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Bicubic enlarging by two, then bilinear to any size, then a shift by -1, 0 and 1, zeros moving in.

    Returns:
        (3, large, small), for the three rows (or columns) of a 3x3 kernel.
    """
    matrix = _matrix(2 * small, large, "bilinear") @ _matrix(small, 2 * small, "bicubic")
    padded = F.pad(matrix, (0, 0, 1, 1))
    return torch.stack([padded[shift : shift + large] for shift in range(3)]).to(dtype).to(device)


def double_columns(x: Tensor) -> Tensor:
    """Bicubic enlarging by two, align_corners=False, of the columns: (N, C, h, w) -> (N, 2w, h, C)."""
    n, c, h, w = x.shape
    columns = doubling(w, x.dtype, x.device)
    enlarged = [columns @ image.permute(2, 1, 0).reshape(w, h * c) for image in x]  # (2w, h*C) each
    return (torch.stack(enlarged) if n > 1 else enlarged[0]).view(n, 2 * w, h, c)


def double_rows(x: Tensor) -> Tensor:
    """The same of the rows, after `double_columns`: (N, w, h, C) -> (N, C, 2h, w), channels last."""
    n, w, h, c = x.shape
    rows = doubling(h, x.dtype, x.device)
    enlarged = [rows @ image.permute(1, 0, 2).reshape(h, w * c) for image in x]  # (2h, w*C) each
    return (torch.stack(enlarged) if n > 1 else enlarged[0]).view(n, 2 * h, w, c).permute(0, 3, 1, 2)


def _matrix(small: int, large: int, mode: str) -> Tensor:
    """What `F.interpolate` does to each unit vector, (large, small); float64, so that products stay exact."""
    eye = torch.eye(small, dtype=torch.float64)[None, None]
    return F.interpolate(eye, size=(large, small), mode=mode, align_corners=False)[0, 0]
