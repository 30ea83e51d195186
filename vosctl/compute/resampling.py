"""Enlarging maps by matrix products: the same as `F.interpolate`, several times faster on a CPU.

Bicubic and bilinear enlarging are linear and separable: one matrix for the rows, one for the columns.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.compute.constants import constant

_BLOCK = 64  # columns of a result that are computed at a time
_STRIP = 240  # rows, likewise

Strips = list[tuple[slice, Tensor]]


@constant
def doubling(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The matrix (2*size, size) of bicubic enlarging by two, in one dimension."""
    return _matrix(size, 2 * size, "bicubic").to(dtype).to(device)


@constant
def doubling_strips(size: int, strip: int, dtype: torch.dtype, device: torch.device) -> Strips:
    """The matrix of `doubling` in strips of so many rows of the result, each with a row more above and below.

    Returns:
        Of each strip the rows that it comes from, and its matrix for them; beyond the result are zeros.
    """
    strips = strips_of(F.pad(_matrix(size, 2 * size, "bicubic"), (0, 0, 1, 1)), strip, 2)
    return [(seen, matrix.to(dtype).to(device)) for seen, matrix in strips]


@constant
def enlarged_rows(small: int, large: int, dtype: torch.dtype, device: torch.device) -> Strips:
    """Bicubic enlarging by two, then bilinear to any size, then a shift by -1, 0 and 1, zeros moving in.

    Args:
        small: size of what is enlarged.
        large: size of the result.
        dtype: of the matrix.
        device: of the matrix.

    Returns:
        Strips of (large, small*3), for the three rows of a 3x3 kernel; that of the kernel's row counts
        fastest.
    """
    strips = strips_of(_enlarged(small, large).transpose(1, 2).flatten(1), _STRIP)
    return [(seen, matrix.to(dtype).to(device)) for seen, matrix in strips]


@constant
def enlarged_columns(
    small: int, large: int, dtype: torch.dtype, device: torch.device
) -> tuple[list[int], int, Tensor]:
    """The enlarging and shifting of `enlarged_rows`, for the columns of nine maps that share a row.

    Each column of the result comes from a few columns only.

    Returns:
        For each of N blocks of the result the first column that it needs, how many it needs, and its matrix:
        (N, needed*9, 3*width). Columns of the maps, kernel's row, kernel's column -> kernel's row, column of
        the block. Together the blocks are `large` or more wide; what is beyond is zero.
    """
    matrix = _enlarged(small, large)  # (large, 3, small)
    width = min(_BLOCK, large)
    blocks = F.pad(matrix, (0, 0, 0, 0, 0, -large % width)).unflatten(0, (-1, width))  # (N, width, 3, small)
    used = blocks.ne(0).any(1).any(1).int()  # (N, small)
    first, last = used.argmax(1), small - used.flip(1).argmax(1)
    needed = int((last - first).max())
    starts = first.clamp(max=small - needed).tolist()
    parts = torch.stack([block[..., at : at + needed] for block, at in zip(blocks, starts, strict=True)])
    rows = torch.eye(3, dtype=parts.dtype)
    products = torch.einsum("bwjq,ik->bqijkw", parts, rows).flatten(4).flatten(1, 3)
    return starts, needed, products.to(dtype).to(device)


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


def strips_of(matrix: Tensor, height: int, more: int = 0) -> Strips:
    """A banded matrix in strips of `height` rows, and `more` that the next strip has too.

    Returns:
        Of each strip which columns are not zero, and those.
    """
    strips = []
    for first in range(0, len(matrix) - more, height):
        rows = matrix[first : first + height + more]
        used = rows.ne(0).any(0).nonzero()
        seen = slice(int(used.min()), int(used.max()) + 1)
        strips.append((seen, rows[:, seen]))
    return strips


def _enlarged(small: int, large: int) -> Tensor:
    """(large, 3, small): see `enlarged_rows`."""
    matrix = _matrix(2 * small, large, "bilinear") @ _matrix(small, 2 * small, "bicubic")
    padded = F.pad(matrix, (0, 0, 1, 1))
    return torch.stack([padded[shift : shift + large] for shift in range(3)], 1)


def _matrix(small: int, large: int, mode: str) -> Tensor:
    """The matrix (large, small) of `F.interpolate` in one dimension; float64, so that products stay exact."""
    eye = torch.eye(small, dtype=torch.float64)[None, None]
    return F.interpolate(eye, size=(large, small), mode=mode, align_corners=False)[0, 0]
