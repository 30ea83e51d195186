"""S as it is computed: the same network as in `refinement`, with less arithmetic and less to move.

- The projection of the features in each TSE is computed once per frame and shared by all objects.
- On a CPU that can, `pack` joins convolutions that follow each other and widens channels to what matrix units
  take at a time (`vosctl.compute.fused`).
- The 1x1 convolution after a CAB acts before the deep maps are enlarged.
- The last convolutions act on small maps (`projection_fused`).

The result is that of the plain network but for rounding; a test compares them. Training uses this form too,
without `pack`.
"""

from collections.abc import Sequence
from typing import ClassVar, cast

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.compute.fused import Conv2d, Packable, PackedConvolution, by_columns, conv_relu, widen
from vosctl.systems.backbone import Features
from vosctl.systems.frtm.projection import Projection
from vosctl.systems.frtm.projection_fused import FusedProjection
from vosctl.systems.frtm.refinement import (
    LEVELS,
    WIDTH,
    ChannelAttention,
    RefinementNetwork,
    ResidualBlock,
    TargetSegmentationEncoder,
    join_maps,
)

_ROUND = 16  # channels are widened to a multiple of it for inference: matrix units take so many at a time


class FusedEncoder(TargetSegmentationEncoder, Packable):
    """TSE in two parts: what depends on the features alone, and what depends on the objects."""

    # Of `reduce` the first; of `transform` the first, its part of the maps alone, the second, the third.
    _packed: tuple[PackedConvolution, ...] = ()

    def encode(self, projected: Tensor, maps: Tensor) -> Tensor:
        """Encode the scores of O objects in each of B frames.

        The first convolution sees the projection and the score side by side. It is linear, so the part of the
        projection is computed once per frame, for all objects.

        Args:
            projected: of `project`; may be overwritten.
            maps: (B*O, M, h, w), the scores first.

        Returns:
            (B*O, 64, h, w).
        """
        objects = maps.shape[0] // projected.shape[0]
        if self._packed:
            _, joint, own, second, third = self._packed
            if objects == 1:
                projected[:, WIDTH + 1 : WIDTH + 1 + maps.shape[1]] = maps
                x = joint(projected, relu=True)
            else:
                x = own(maps, plus=_repeat(joint(projected), objects), relu=True)
            return third(second(x, relu=True), relu=True)
        first = self._convolution(0)
        x = _repeat(F.conv2d(projected, first.weight[:, :WIDTH], first.bias, padding=1), objects)
        x = torch.relu_(x + F.conv2d(maps, first.weight[:, WIDTH:], padding=1))
        return conv_relu(self._convolution(4), conv_relu(self._convolution(2), x))

    def project(self, feature: Tensor) -> Tensor:
        """`reduce`: (B, C, h, w) -> (B, 64, h, w).

        Packed, it is (B, 80, h, w): 64 channels before the last convolution, one of ones, the rest of zeros.
        """
        if self._packed:
            return self._packed[0](feature, relu=True)
        first, _, last = self.reduce
        assert isinstance(first, Conv2d)
        return cast(Tensor, last(conv_relu(first, feature)))

    def mean(self, projected: Tensor) -> Tensor:
        """The mean of what `reduce` gives, over all cells: (B, 64, 1, 1)."""
        mean = _mean(projected)
        return cast(Tensor, self.reduce[2](mean[:, :WIDTH])) if self._packed else mean

    def pack(self) -> None:
        """Join `reduce` and `transform`: see `Packable`.

        `reduce` ends with a 1x1 convolution, which joins the 3x3 that follows. Its bias does not reach the
        zeros that the 3x3 sees around the map: it comes from a channel of ones, which has the same zeros
        around. The maps of a single object take the place of channels of zeros.
        """
        first, second, third = (self._convolution(index) for index in (0, 2, 4))
        reduce, _, last = self.reduce
        assert isinstance(reduce, Conv2d)
        assert isinstance(last, Conv2d)
        assert reduce.bias is not None
        assert last.bias is not None
        own, dtype = first.weight[:, WIDTH:], first.weight.dtype
        inputs, width = (_rounded(count) for count in (first.in_channels + 1, first.out_channels))
        weights = torch.cat([last.weight.flatten(1), last.bias[:, None]], 1).double()  # (64, 64+1)
        joined = torch.einsum("omkl,mc->ockl", first.weight[:, :WIDTH].double(), weights).to(dtype)
        weight, bias = widen(reduce.weight, reduce.bias, inputs, reduce.in_channels)
        assert bias is not None
        bias[WIDTH] = 1
        self._packed = (
            PackedConvolution(weight, bias),
            *(
                PackedConvolution(*parameters, padding=(1, 1))
                for parameters in (
                    widen(torch.cat([joined, own], 1), first.bias, width, inputs),
                    widen(own, None, width, own.shape[1]),
                    widen(second.weight, second.bias, width, width),
                    widen(third.weight, third.bias, WIDTH, width),
                )
            ),
        )

    def unpack(self) -> None:
        """Drop the joined form."""
        self._packed = ()

    def _convolution(self, index: int) -> Conv2d:
        convolution = self.transform[index]
        assert isinstance(convolution, Conv2d)
        return convolution


class FusedResidualBlock(ResidualBlock):
    """RRB in two parts, so that its projection may join what comes before."""

    def residual(self, h: Tensor) -> Tensor:
        """All after the projection; `h` may be overwritten."""
        first, norm, _, last = self.bblock
        assert isinstance(first, Conv2d) and isinstance(last, Conv2d)  # noqa: PT018
        return conv_relu(last, conv_relu(first, h, norm), plus=h)


class FusedAttention(ChannelAttention):
    """CAB, together with the projection that follows it."""

    def gate_and_project(self, shallow: Tensor, deep: Tensor, then: Conv2d) -> Tensor:
        """The module, and the 1x1 convolution that follows: (N, 64, h, w).

        Args:
            shallow: the level's own maps, (N, 64, h, w).
            deep: the output of the level below, (N, 64, h', w').
            then: the 1x1 convolution that follows. Packed, it acts on either summand: on `deep` before that
                is enlarged, on `shallow` together with the gate, so that their sum takes no pass of its own.
        """
        if by_columns(shallow):
            return self.gate_and_project(shallow.mT, deep.mT, then).mT
        pooled = torch.cat([_mean(shallow), _mean(deep)], 1)
        gate = torch.sigmoid(self.convreluconv(pooled))  # (N, 64, 1, 1)
        if then.packed is None:
            return cast(Tensor, then(torch.addcmul(_resize(deep, shallow.shape[-2:]), gate, shallow)))
        result = _resize(then(deep), shallow.shape[-2:]).contiguous(memory_format=torch.channels_last)
        gated = then.weight.flatten(1).mT * gate.flatten(1).unsqueeze(2)  # (N, in, out)
        _cells(result).baddbmm_(_cells(shallow), gated)
        return result


class FusedRefinementNetwork(RefinementNetwork):
    """S, to be trained and to be run; see `RefinementNetwork` for its arguments."""

    encoder: ClassVar[type[TargetSegmentationEncoder]] = FusedEncoder
    residual_block: ClassVar[type[ResidualBlock]] = FusedResidualBlock
    attention: ClassVar[type[ChannelAttention]] = FusedAttention
    projection: ClassVar[type[Projection]] = FusedProjection

    def forward(
        self,
        features: Features,
        scores: Tensor,
        size: Sequence[int],
        prior: Tensor | None = None,
        cues: Tensor | None = None,
    ) -> Tensor:
        """Refine the coarse scores of all objects of all frames: see `RefinementNetwork`."""
        frames, objects = scores.shape[:2]
        assert (prior is not None) == self.prior
        assert (cues is not None) == (self.matching is not None)
        maps = join_maps(scores, prior, cues)
        deep: Tensor | None = None
        for level, feature in zip(LEVELS, reversed(features), strict=True):
            encoder, first, last = self.TSE[level], self.RRB1[level], self.RRB2[level]
            attention = self.CAB[level]
            assert isinstance(encoder, FusedEncoder)
            assert isinstance(first, FusedResidualBlock)
            assert isinstance(last, FusedResidualBlock)
            assert isinstance(attention, FusedAttention)
            projected = encoder.project(feature)  # (B, 64, h, w)
            if deep is None:
                deep = encoder.mean(projected).repeat_interleave(objects, 0)
            x = encoder.encode(projected, _resize(maps, feature.shape[-2:]).to(projected.dtype))
            x = first.residual(first.conv1x1(x))
            deep = last.residual(attention.gate_and_project(x, deep, last.conv1x1))
        assert deep is not None
        logits: Tensor = self.project(deep, size)
        return logits.view(frames, objects, *size)


def _rounded(channels: int) -> int:
    """The next multiple of `_ROUND`."""
    return -(-channels // _ROUND) * _ROUND


def _repeat(x: Tensor, objects: int) -> Tensor:
    """(B, C, h, w) -> (B*O, C, h, w), channels last: the fused sum takes nothing else in bfloat16."""
    if objects == 1:
        return x
    if by_columns(x):
        return _repeat(x.mT, objects).mT
    return x.permute(0, 2, 3, 1).repeat_interleave(objects, 0).permute(0, 3, 1, 2)


def _mean(x: Tensor) -> Tensor:
    """The mean of each channel: (N, C, h, w) -> (N, C, 1, 1)."""
    x = x.mT if by_columns(x) else x
    if x.device.type != "cpu" or not x.is_contiguous(memory_format=torch.channels_last):
        return x.mean((2, 3), keepdim=True)
    cells = _cells(x)
    sums = cells.new_ones(1, cells.shape[1]) @ cells  # a matrix product is several times faster here
    return (sums / cells.shape[1]).mT.unsqueeze(-1)


def _cells(x: Tensor) -> Tensor:
    """(N, C, h, w), channels last -> (N, h*w, C), a view."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear, align_corners=False; nothing where the size is right already."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    if by_columns(x):
        return _resize(x.mT, size[::-1]).mT
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
