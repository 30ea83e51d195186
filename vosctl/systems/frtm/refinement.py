"""The segmentation network S: coarse scores and features in, masks at image size out (FRTM section 3.2).

This is the network as the paper has it, to be read; `refinement_fused` computes the same faster, and is what
is trained and run.

Module names follow the published checkpoints, so that they load (`vosctl weights import`). Levels are called
layer5 to layer2 there, after the paper's conv5_x to conv2_x: layer5 is the backbone's layer4.

Beyond the paper, S may see a second map beside the score: the prior, the object's mask at the last update of
the target model, at the score's size. It tells where the object was a few frames ago, which ends most
mistakes on things that look alike elsewhere. All frames between two updates see the same one, so that they
stay independent of each other. And it may see the cues of `matching`.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor, nn

from vosctl.compute.fused import Conv2d
from vosctl.systems.backbone import Features
from vosctl.systems.frtm.matching import CUES, Matching
from vosctl.systems.frtm.projection import Projection

WIDTH = 64  # channels throughout S
PUBLISHED = WIDTH + 1  # channels of what TSE makes of the score and the projected features
_MOST_CHANNELS = 1024  # so that a damaged file cannot ask for more memory than there is
LEVELS = ("layer5", "layer4", "layer3", "layer2")  # deep to shallow


class TargetSegmentationEncoder(nn.Module):
    """TSE: projects the features (`reduce`), joins score, prior and cues, encodes all (`transform`).

    Args:
        inputs: channels of the features.
        maps: how many maps are joined to them.
        width: channels between the convolutions.
    """

    def __init__(self, inputs: int, maps: int, width: int) -> None:
        super().__init__()
        self.reduce = nn.Sequential(Conv2d(inputs, WIDTH, 1), nn.ReLU(inplace=True), Conv2d(WIDTH, WIDTH, 1))
        self.transform = nn.Sequential(
            Conv2d(WIDTH + maps, width, 3, padding=1),
            nn.ReLU(inplace=True),
            Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            Conv2d(width, WIDTH, 3, padding=1),
            nn.ReLU(inplace=True),
        )

    def forward(self, feature: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Encode the scores of O objects in each of B frames.

        Args:
            feature: (B, C, h, w), of one stage of the backbone.
            maps: (B*O, M, h, w), the scores first.

        Returns:
            The encoding and the projected features, (B*O, 64, h, w) each.
        """
        objects = len(maps) // len(feature)
        projected = self.reduce(feature).repeat_interleave(objects, 0)  # (B*O, 64, h, w)
        joined = torch.cat([projected, maps], 1)  # (B*O, 64 + M, h, w)
        return self.transform(joined), projected


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
        h = self.conv1x1(x)
        return F.relu(h + self.bblock(h))


class ChannelAttention(nn.Module):
    """CAB: the deeper output decides which channels of the shallow one pass."""

    def __init__(self) -> None:
        super().__init__()
        self.convreluconv = nn.Sequential(
            Conv2d(2 * WIDTH, WIDTH, 1), nn.ReLU(inplace=True), Conv2d(WIDTH, WIDTH, 1)
        )

    def forward(self, shallow: Tensor, deep: Tensor) -> Tensor:
        """Gate the level's own maps (N, 64, h, w) and add those of the level below, (N, 64, h', w')."""
        pooled = torch.cat([shallow.mean((2, 3), keepdim=True), deep.mean((2, 3), keepdim=True)], 1)
        gate = torch.sigmoid(self.convreluconv(pooled))  # (N, 64, 1, 1)
        return gate * shallow + _resize(deep, shallow.shape[-2:])


class RefinementNetwork(nn.Module):
    """S.

    Args:
        channels: of the backbone's layer1 to layer4.
        prior: whether it sees the mask at the last update.
        width: channels between the convolutions of each TSE. With 64 instead of the published 65 an encoder
            takes a quarter less time where matrix units take 16 channels at a time.
        matching: whether it sees the cues of `matching`, whose embedding is a part of it then. Only with a
            prior, which is where the object was in the last frame that is matched with.
    """

    encoder: ClassVar[type[TargetSegmentationEncoder]] = TargetSegmentationEncoder
    residual_block: ClassVar[type[ResidualBlock]] = ResidualBlock
    attention: ClassVar[type[ChannelAttention]] = ChannelAttention
    projection: ClassVar[type[Projection]] = Projection

    def __init__(
        self, channels: Sequence[int], prior: bool = False, width: int = PUBLISHED, matching: bool = False
    ) -> None:
        super().__init__()
        if matching and not prior:
            raise ValueError("matching without a prior")
        self.prior, self.width = prior, width
        self.matching = Matching(channels[2]) if matching else None
        inputs, maps = dict(zip(LEVELS, reversed(channels), strict=True)), 1 + prior + CUES * matching
        self.TSE = nn.ModuleDict({level: self.encoder(inputs[level], maps, width) for level in LEVELS})
        self.RRB1 = nn.ModuleDict({level: self.residual_block() for level in LEVELS})
        self.CAB = nn.ModuleDict({level: self.attention() for level in LEVELS})
        self.RRB2 = nn.ModuleDict({level: self.residual_block() for level in LEVELS})
        self.project = self.projection(WIDTH)

    @classmethod
    def fitting(cls, channels: Sequence[int], state: Mapping[str, Tensor]) -> Self:
        """A network that a state dict fits, not yet loaded.

        Raises:
            KeyError, ValueError: the state dict is of another network.
        """
        width, inputs = state[f"TSE.{LEVELS[0]}.transform.0.weight"].shape[:2]
        if not 1 <= width <= _MOST_CHANNELS:
            raise ValueError(f"{width} channels")
        return cls(channels, inputs > WIDTH + 1, width, inputs > WIDTH + 2)

    def forward(
        self,
        features: Features,
        scores: Tensor,
        size: Sequence[int],
        prior: Tensor | None = None,
        cues: Tensor | None = None,
    ) -> Tensor:
        """Refine the coarse scores of all objects of all frames.

        Args:
            features: of B frames.
            scores: (B, O, h, w), the target models' outputs, at layer3's size.
            size: (H, W) of the images.
            prior: (B, O, h, w) in [0, 1], for a network with `prior`; zeros for an object of which nothing
                is known.
            cues: (B, O, 5, h, w), for a network with `matching`: the matching cues and the rivals' scores.

        Returns:
            Logits (B, O, H, W) of each object against everything else.
        """
        maps = join_maps(scores, prior, cues)
        deep: Tensor | None = None
        for level, feature in zip(LEVELS, reversed(features), strict=True):
            x, projected = self.TSE[level](feature, _resize(maps, feature.shape[-2:]))  # (B*O, 64, h', w')
            if deep is None:  # nothing lies below the deepest level: the mean of its features takes the place
                deep = projected.mean((2, 3), keepdim=True)  # (B*O, 64, 1, 1)
            x = self.RRB1[level](x)
            deep = self.RRB2[level](self.CAB[level](x, deep))  # (B*O, 64, h', w')
        logits: Tensor = self.project(deep, size)  # (B*O, 1, H, W)
        return logits.view(*scores.shape[:2], *size)


def join_maps(scores: Tensor, prior: Tensor | None, cues: Tensor | None) -> Tensor:
    """All maps that S sees beside the features, the scores first: (B*O, M, h, w)."""
    maps = scores.unsqueeze(2)  # (B, O, 1, h, w)
    if prior is not None:
        maps = torch.cat([maps, prior.unsqueeze(2)], 2)
    if cues is not None:
        maps = torch.cat([maps, cues], 2)
    return maps.flatten(0, 1)


def _resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear interpolation of maps (N, C, h, w) to another size."""
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=False)
