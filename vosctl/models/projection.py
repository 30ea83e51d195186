"""The end of S: from its last feature maps to logits at the image's size (FRTM section 3.3).

A 3x3 convolution acts on the maps enlarged by two, another one on its output enlarged to the image. Both are
computed without their enlarged inputs.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vosctl.models.fused import Conv2d, Packable, PackedConvolution, conv_relu
from vosctl.models.resampling import double, doubling, enlarged_taps

_EDGE = 4  # cells next to an edge from which the two cells at the edge can be computed


class Projection(nn.Module, Packable):
    """The two last convolutions, at twice the shallowest level's size and at the image's.

    Args:
        width: channels of the input; half of them remain between the convolutions.
    """

    _phases: "DoublingConvolution | None" = None
    _taps: PackedConvolution | None = None  # of conv2, for each phase

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(width, width // 2, 3, padding=1)
        self.conv2 = Conv2d(width // 2, 1, 3, padding=1)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """(N, C, h, w) -> logits (N, 1, H, W).

        conv2 acts on conv1's output enlarged. Enlarging is linear and the same for all channels, so each of
        the 3x3 taps first sums over the channels at the small size. Its shift joins the matrices that enlarge
        it: with x_ij the map of tap (i, j), R_i and C_j the shifted matrices, the sum over R_i x_ij C_j'.
        Nothing but the result is formed at image size.
        """
        n, _, h, w = x.shape
        if self._phases is not None and self._taps is not None and min(h, w) >= _EDGE:
            maps = self._taps(self._phases(x)).permute(0, 2, 3, 1).reshape(n, h, w, 2, 2, 3, 3)
            maps = maps.permute(0, 5, 3, 1, 6, 4, 2)  # (N, i, row's phase, h, j, column's phase, w)
        else:
            maps = F.conv2d(conv_relu(self.conv1, double(x)), *self._summation()).view(
                n, 3, 3, 1, 2 * h, 2 * w
            )
            maps = maps.permute(0, 1, 3, 4, 2, 5).unsqueeze(5)  # (N, i, 1, 2h, j, 1, 2w)
        phases, rows, _, _, columns = maps.shape[2:]
        c = enlarged_taps(columns * phases, size[1], phases, x.dtype, x.device)  # (W, 3*2w)
        r = enlarged_taps(rows * phases, size[0], phases, x.dtype, x.device)  # (H, 3*2h)
        wide = maps.reshape(-1, c.shape[1]) @ c.mT  # (N*3*2h, W)
        return torch.stack([r @ one for one in wide.view(n, r.shape[1], -1)]).unsqueeze(1)

    def pack(self) -> None:
        """See `Packable`."""
        self.unpack()
        if self.conv1.weight.dtype == torch.bfloat16:  # half as many operations again, but much less to move
            self._phases = DoublingConvolution(self.conv1)
            weight, bias = self._summation()
            self._taps = PackedConvolution(
                torch.block_diag(*[weight.flatten(1)] * 4)[..., None, None], bias.repeat(4)
            )

    def unpack(self) -> None:
        """See `Packable`."""
        self._phases = self._taps = None

    def _summation(self) -> tuple[Tensor, Tensor]:
        """conv2 as nine sums over the channels, a 1x1 convolution: (9, C, 1, 1), (9,).

        Its bias goes to the tap that is not shifted: enlarging leaves a constant as it is.
        """
        assert self.conv2.bias is not None
        return self.conv2.weight.permute(2, 3, 0, 1).flatten(0, 2)[..., None, None], F.pad(
            self.conv2.bias, (4, 4)
        )


class DoublingConvolution:
    """relu(conv(double(x))) without the enlarged map: for each of the four phases one 5x5 convolution of x.

    Each row of the enlarged map is a sum of four rows of the map, so what a 3x3 kernel sees of it lies within
    five. At the edges this differs, as there the 3x3 convolution sees zeros around the enlarged map, and the
    enlarging repeats its outermost row; two cells at each edge are computed as they are written.

    Args:
        conv: 3x3, with padding.
    """

    def __init__(self, conv: Conv2d) -> None:
        self._conv = conv
        # What five rows contribute to row k of the three that the kernel sees, for either phase p.
        one = doubling(9, torch.float64, conv.weight.device)  # (18, 9)
        taps = torch.stack([one[7 + p : 10 + p, 2:7] for p in range(2)])  # (p, k, 5)
        weight = torch.einsum("pkt,qls,ockl->pqocts", taps, taps, conv.weight.double()).flatten(0, 2)
        assert conv.bias is not None
        self._convolution = PackedConvolution(
            weight.to(conv.weight.dtype), conv.bias.repeat(4), padding=(2, 2)
        )

    def __call__(self, x: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, 2*2*out, h, w), channels last: phase of the row, of the column, channel."""
        result = self._convolution(x, relu=True)
        phases = result.permute(0, 2, 3, 1).unflatten(3, (2, 2, -1))  # (N, h, w, 2, 2, out)
        for dim in (1, 2):
            edges = [x.narrow(dim + 1, start, _EDGE) for start in (0, x.shape[dim + 1] - _EDGE)]
            large = conv_relu(self._conv, double(torch.cat(edges)))
            exact = large.permute(0, 2, 3, 1).unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).transpose(2, 3)
            first, last = exact.chunk(2)
            phases.narrow(dim, 0, 2).copy_(first.narrow(dim, 0, 2))
            phases.narrow(dim, x.shape[dim + 1] - 2, 2).copy_(last.narrow(dim, 2, 2))
        return result
