"""The segmentation network S: coarse scores and features in, masks at image size out (FRTM section 3.2).

Module names follow the published checkpoints, so that they load (`vosctl weights import`). Levels are called
layer5 to layer2 there, after the paper's conv5_x to conv2_x: layer5 is the backbone's layer4.

What depends on the features alone (the projection in each TSE) is computed once per frame and shared by all
objects; everything after the score joins is computed per frame and object.

Beyond the paper, S may see a second map beside the score: the prior, the object's mask at the last update of
the target model, at the score's size. It tells where the object was a few frames ago, which ends most
mistakes on things that look alike elsewhere. All frames between two updates see the same one, so that they
stay independent of each other.
"""

from collections.abc import Mapping, Sequence
from typing import Self, cast

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor, nn

from vosctl.compute.fused import Conv2d, Packable, PackedConvolution, by_columns, conv_relu, widen
from vosctl.systems.backbone import Features
from vosctl.systems.frtm.projection import Projection

WIDTH = 64  # channels throughout S
PUBLISHED = WIDTH + 1  # channels of what TSE makes of the score and the projected features
_ROUND = 16  # channels are widened to a multiple of it for inference: matrix units take so many at a time
LEVELS = ("layer5", "layer4", "layer3", "layer2")  # deep to shallow


class TargetSegmentationEncoder(nn.Module, Packable):
    """TSE: projects the features, joins the score (and the prior), encodes both."""

    # Of `reduce` the first; of `transform` the first, its part of the maps alone, the second, the third.
    _packed: tuple[PackedConvolution, ...] = ()

    def __init__(self, inputs: int, prior: bool, width: int) -> None:
        super().__init__()
        self.reduce = nn.Sequential(Conv2d(inputs, WIDTH, 1), nn.ReLU(inplace=True), Conv2d(WIDTH, WIDTH, 1))
        self.transform = nn.Sequential(
            Conv2d(WIDTH + 1 + prior, width, 3, padding=1),
            nn.ReLU(inplace=True),
            Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            Conv2d(width, WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
        )

    def forward(self, projected: Tensor, maps: Tensor) -> Tensor:
        """Encode the scores of O objects in each of B frames.

        The first convolution sees the projection and the score side by side. It is linear, so the part of the
        projection is computed once per frame, for all objects.

        Args:
            projected: of `project`; may be overwritten.
            maps: (B*O, 1, h, w), the scores; (B*O, 2, h, w) with the priors.

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
        """Of what `reduce` gives, over all cells: (B, 64, 1, 1)."""
        mean = _mean(projected)
        return cast(Tensor, self.reduce[2](mean[:, :WIDTH])) if self._packed else mean

    def pack(self) -> None:
        """See `Packable`.

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
        """See `Packable`."""
        self._packed = ()

    def _convolution(self, index: int) -> Conv2d:
        convolution = self.transform[index]
        assert isinstance(convolution, Conv2d)
        return convolution


class ResidualBlock(nn.Module):
    """RRB: a 1x1 projection and a residual pair of 3x3 convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1x1 = Conv2d(WIDTH, WIDTH, 1)
        self.bblock = nn.Sequential(
            Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(inplace=True),
            Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, 64, h, w) -> the same shape."""
        return self.residual(self.conv1x1(x))

    def residual(self, h: Tensor) -> Tensor:
        """All after the projection; `h` may be overwritten."""
        first, norm, _, last = self.bblock
        assert isinstance(first, Conv2d) and isinstance(last, Conv2d)  # noqa: PT018
        return conv_relu(last, conv_relu(first, h, norm), plus=h)


class ChannelAttention(nn.Module):
    """CAB: the deeper output decides which channels of the shallow one pass."""

    def __init__(self) -> None:
        super().__init__()
        self.convreluconv = nn.Sequential(
            Conv2d(2 * WIDTH, WIDTH, 1), nn.ReLU(inplace=True), Conv2d(WIDTH, WIDTH, 1)
        )

    def forward(self, shallow: Tensor, deep: Tensor, then: Conv2d) -> Tensor:
        """Shallow (N, 64, h, w) and deep (N, 64, h', w') -> (N, 64, h, w).

        Args:
            shallow: the level's own.
            deep: the output of the level below.
            then: the 1x1 convolution that follows. Packed, it acts on either summand: on `deep` before that
                is enlarged, on `shallow` together with the gate, so that their sum takes no pass of its own.
        """
        if by_columns(shallow):
            return self(shallow.mT, deep.mT, then).mT  # type: ignore[no-any-return]
        pooled = torch.cat([_mean(shallow), _mean(deep)], 1)
        gate = torch.sigmoid(self.convreluconv(pooled))  # (N, 64, 1, 1)
        if then.packed is None:
            return cast(Tensor, then(torch.addcmul(_resize(deep, shallow.shape[-2:]), gate, shallow)))
        result = _resize(then(deep), shallow.shape[-2:]).contiguous(memory_format=torch.channels_last)
        gated = then.weight.flatten(1).mT * gate.flatten(1).unsqueeze(2)  # (N, in, out)
        _cells(result).baddbmm_(_cells(shallow), gated)
        return result


class RefinementNetwork(nn.Module):
    """S.

    Args:
        channels: of the backbone's layer1 to layer4.
        prior: whether it sees the mask at the last update.
        width: channels between the convolutions of each TSE. With 64 instead of the published 65 an encoder
            takes a quarter less time where matrix units take 16 channels at a time.
    """

    def __init__(self, channels: Sequence[int], prior: bool = False, width: int = PUBLISHED) -> None:
        super().__init__()
        self.prior, self.width = prior, width
        inputs = dict(zip(LEVELS, reversed(channels), strict=True))
        self.TSE = nn.ModuleDict(
            {level: TargetSegmentationEncoder(inputs[level], prior, width) for level in LEVELS}
        )
        self.RRB1 = nn.ModuleDict({level: ResidualBlock() for level in LEVELS})
        self.CAB = nn.ModuleDict({level: ChannelAttention() for level in LEVELS})
        self.RRB2 = nn.ModuleDict({level: ResidualBlock() for level in LEVELS})
        self.project = Projection(WIDTH)

    @classmethod
    def fitting(cls, channels: Sequence[int], state: Mapping[str, Tensor]) -> Self:
        """A network that a state dict fits, not yet loaded."""
        width, inputs = state[f"TSE.{LEVELS[0]}.transform.0.weight"].shape[:2]
        return cls(channels, inputs == WIDTH + 2, width)

    def forward(
        self, features: Features, scores: Tensor, size: Sequence[int], prior: Tensor | None = None
    ) -> Tensor:
        """Refine the coarse scores of all objects of all frames.

        Args:
            features: of B frames.
            scores: (B, O, h, w), the target models' outputs, at layer3's size.
            size: (H, W) of the images.
            prior: (B, O, h, w) in [0, 1], for a network with `prior`; zeros for an object of which nothing
                is known.

        Returns:
            Logits (B, O, H, W) of each object against everything else.
        """
        frames, objects = scores.shape[:2]
        assert (prior is not None) == self.prior
        maps = scores.unsqueeze(2) if prior is None else torch.stack([scores, prior], 2)
        maps = maps.flatten(0, 1)  # (B*O, 1 or 2, h, w)
        deep: Tensor | None = None
        for level, feature in zip(LEVELS, reversed(features), strict=True):
            encoder = self.TSE[level]
            assert isinstance(encoder, TargetSegmentationEncoder)
            projected = encoder.project(feature)  # (B, 64, h, w)
            if deep is None:
                deep = encoder.mean(projected).repeat_interleave(objects, 0)
            x = encoder(projected, _resize(maps, feature.shape[-2:]).to(projected.dtype))
            last = self.RRB2[level]
            assert isinstance(last, ResidualBlock)
            deep = last.residual(self.CAB[level](self.RRB1[level](x), deep, last.conv1x1))
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
    """Of each channel: (N, C, h, w) -> (N, C, 1, 1)."""
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
