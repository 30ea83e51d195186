"""The end of S as it is computed: no enlarged map is ever formed, and nothing but the result at image size.

A 3x3 convolution acts on the maps enlarged by two, another one on its output enlarged to the image. Both are
computed without their enlarged inputs. `projection` has the plain form; a test compares them.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.compute.fused import Conv2d, Packable, PackedConvolution, conv_relu
from vosctl.compute.resampling import double, doubling, doubling_strips, enlarged_columns, enlarged_rows
from vosctl.systems.frtm.projection import Projection

_STRIP = 120  # enlarged rows at a time
_EDGE = 4  # cells next to an edge from which the two cells at the edge can be computed


class FusedProjection(Projection, Packable):
    """The two last convolutions, at twice the shallowest level's size and at the image's."""

    _packed: "DoubledTaps | None" = None

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """(N, C, h, w) -> logits (N, 1, H, W).

        conv2 acts on conv1's output enlarged. Enlarging is linear and the same for all channels, so each of
        the 3x3 taps first sums over the channels at the small size. Its shift joins the matrices that enlarge
        it: with x_ij the map of tap (i, j), R_i and C_j the shifted matrices, the sum over R_i x_ij C_j'.
        Nothing but the result is formed at image size.
        """
        n, _, h, w = x.shape
        x = x.contiguous(memory_format=torch.channels_last)
        if self._packed is not None and w >= _EDGE:
            maps = self._packed(x)
        else:
            maps = F.conv2d(conv_relu(self.conv1, double(x)), *self._summation()).permute(0, 2, 3, 1)
        maps = maps.reshape(n * 2 * h, 2 * w * 9)
        starts, needed, c = enlarged_columns(2 * w, size[1], x.dtype, x.device)
        parts = torch.stack([maps[:, 9 * at : 9 * (at + needed)] for at in starts])  # (B, N*2h, needed*9)
        wide = (parts @ c).unflatten(1, (n, -1)).unflatten(3, (3, -1))  # (B, N, 2h, 3, W/B)
        wide = wide.permute(1, 2, 3, 0, 4).reshape(n, 2 * h * 3, -1)[..., : size[1]]  # (N, 2h*3, W)
        strips = enlarged_rows(2 * h, size[0], x.dtype, x.device)  # of (H, 2h*3)
        return torch.cat([r @ one[rows] for one in wide for rows, r in strips]).view(n, 1, *size)

    def pack(self) -> None:
        """Prepare `DoubledTaps` where they pay: see `Packable`."""
        self.unpack()
        if self.conv1.weight.dtype == torch.bfloat16:  # more operations, but much less to move
            self._packed = DoubledTaps(self.conv1, *self._summation())

    def unpack(self) -> None:
        """Drop the prepared form."""
        self._packed = None

    def _summation(self) -> tuple[Tensor, Tensor]:
        """conv2 as nine sums over the channels, a 1x1 convolution: (9, C, 1, 1), (9,).

        Its bias goes to the tap that is not shifted: enlarging leaves a constant as it is.
        """
        assert self.conv2.bias is not None
        return self.conv2.weight.permute(2, 3, 0, 1).flatten(0, 2)[..., None, None], F.pad(
            self.conv2.bias, (4, 4)
        )


class DoubledTaps:
    """summation(relu(conv(double(x)))) without the enlarged map.

    The rows are enlarged first, a strip at a time: its matrix is narrow, and a strip is still near when it is
    used. Of the columns, each enlarged one is a sum of four, so what a 3x3 kernel sees of them lies within
    five: one 3x5 convolution for the even and one for the odd. At the left and the right edge the 3x3 kernel
    sees zeros beside the enlarged map, and the enlarging repeats its outermost column: the two cells there
    have convolutions of their own.

    Args:
        conv: 3x3, with padding.
        weight: of the summation, (9, out, 1, 1).
        bias: (9,).
    """

    def __init__(self, conv: Conv2d, weight: Tensor, bias: Tensor) -> None:
        # What nine columns contribute to those that the kernel sees, with zeros beside them.
        one = F.pad(doubling(9, torch.float64, conv.weight.device), (0, 0, 1, 1))  # (1+18+1, 9)
        self._inside = _convolution(conv, torch.stack([one[8 + q : 11 + q, 2:7] for q in range(2)]), (0, 2))
        self._edges = [
            _convolution(conv, torch.stack([side[q : q + 3] for q in range(4)]), (1, 0))
            for side in (one[:6, :_EDGE], one[-6:, -_EDGE:])
        ]
        self._sum_two, self._sum_four = (
            PackedConvolution(
                torch.block_diag(*[weight.flatten(1)] * columns)[..., None, None], bias.repeat(columns)
            )
            for columns in (2, 4)
        )

    def __call__(self, x: Tensor) -> Tensor:
        """(N, C, h, w), channels last -> (N, 2h, 2w, 9)."""
        n, c, h, w = x.shape
        cells = x.permute(0, 2, 3, 1)  # (N, h, w, C)
        strips = []
        for image in cells.flatten(2):
            for rows, matrix in doubling_strips(h, _STRIP, x.dtype, x.device):
                tall = (matrix @ image[rows]).view(1, -1, w, c).permute(0, 3, 1, 2)
                strips.append(self._sum_two(self._inside(tall, relu=True)).permute(0, 2, 3, 1))
        maps = torch.cat(strips, 1).view(n, 2 * h, w, 18)
        for convolution, start, place in zip(self._edges, (0, w - _EDGE), (0, w - 2), strict=True):
            tall = doubling(h, x.dtype, x.device) @ cells.narrow(2, start, _EDGE).flatten(2)
            tall = tall.view(n, 2 * h, _EDGE, c).permute(0, 3, 1, 2)
            exact = self._sum_four(convolution(tall, relu=True))  # (N, 4*9, 2h, 1)
            maps[:, :, place : place + 2] = exact.permute(0, 2, 3, 1).view(n, 2 * h, 2, 18)
        return maps.view(n, 2 * h, 2 * w, 9)


def _convolution(conv: Conv2d, taps: Tensor, padding: Sequence[int]) -> PackedConvolution:
    """A 3x3 convolution of enlarged columns as one of the columns.

    Args:
        conv: the former.
        taps: (Q, 3, T): what T columns contribute to each that the kernel sees, for each of Q results.
        padding: rows and columns of zeros on either side.
    """
    weight = torch.einsum("qlt,ockl->qockt", taps, conv.weight.double()).flatten(0, 1).to(conv.weight.dtype)
    assert conv.bias is not None
    return PackedConvolution(weight, conv.bias.repeat(len(taps)), padding=padding)
