"""The segmentation network S: coarse scores and features in, masks at image size out (FRTM section 3.2).

Module names follow the published checkpoints, so that they load (`vosctl weights import`). Levels are called
layer5 to layer2 there, after the paper's conv5_x to conv2_x: layer5 is the backbone's layer4.

What depends on the features alone (the projection in each TSE) is computed once per frame and shared by all
objects; everything after the score joins is computed per frame and object.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor, nn

from vosctl.models.backbone import Features
from vosctl.models.target_model import gather

WIDTH = 64  # channels throughout S
LEVELS = ("layer5", "layer4", "layer3", "layer2")  # deep to shallow


class TargetSegmentationEncoder(nn.Module):
    """TSE: projects the features, joins the score, encodes both."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.reduce = nn.Sequential(nn.Conv2d(inputs, WIDTH, 1), nn.ReLU(), nn.Conv2d(WIDTH, WIDTH, 1))
        self.transform = nn.Sequential(
            nn.Conv2d(WIDTH + 1, WIDTH + 1, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH + 1, WIDTH + 1, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH + 1, WIDTH, 3, padding=1),
            nn.ReLU(),
        )


class ResidualBlock(nn.Module):
    """RRB: a 1x1 projection and a residual pair of 3x3 convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1x1 = nn.Conv2d(WIDTH, WIDTH, 1)
        self.bblock = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, 64, h, w) -> the same shape."""
        h = self.conv1x1(x)
        return torch.relu(h + self.bblock(h))


class ChannelAttention(nn.Module):
    """CAB: the deeper output decides which channels of the shallow one pass."""

    def __init__(self) -> None:
        super().__init__()
        self.convreluconv = nn.Sequential(
            nn.Conv2d(2 * WIDTH, WIDTH, 1), nn.ReLU(), nn.Conv2d(WIDTH, WIDTH, 1)
        )

    def forward(self, shallow: Tensor, deep: Tensor) -> Tensor:
        """Shallow (N, 64, h, w) and deep (N, 64, h', w') -> (N, 64, h, w)."""
        pooled = torch.cat([shallow.mean((2, 3), keepdim=True), deep.mean((2, 3), keepdim=True)], 1)
        gate = torch.sigmoid(self.convreluconv(pooled))  # (N, 64, 1, 1)
        return gate * shallow + _resize(deep, shallow.shape[-2:])


class Projection(nn.Module):
    """The two last convolutions, at twice the shallowest level's size and at the image's."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(WIDTH, WIDTH // 2, 3, padding=1)
        self.conv2 = nn.Conv2d(WIDTH // 2, 1, 3, padding=1)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """(N, 64, h, w) -> logits (N, 1, H, W)."""
        x = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        x = torch.relu(self.conv1(x))  # (N, 32, 2h, 2w)
        # conv2 acts on x enlarged. Enlarging is linear and the same for all channels, so each of the 3x3 taps
        # can first sum over the 32 channels at the small size: 9 maps to enlarge, not 32, the same result.
        taps = self.conv2.weight.permute(0, 2, 3, 1).reshape(9, -1, 1, 1)  # (9, 32, 1, 1)
        maps = F.conv2d(x, taps)  # (N, 9, 2h, 2w)
        maps = F.interpolate(maps, scale_factor=2, mode="bicubic", align_corners=False)
        assert self.conv2.bias is not None
        return gather(_resize(maps, size).unsqueeze(1)) + self.conv2.bias


class RefinementNetwork(nn.Module):
    """S.

    Args:
        channels: of the backbone's layer1 to layer4.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        inputs = dict(zip(LEVELS, reversed(channels), strict=True))
        self.TSE = nn.ModuleDict({level: TargetSegmentationEncoder(inputs[level]) for level in LEVELS})
        self.RRB1 = nn.ModuleDict({level: ResidualBlock() for level in LEVELS})
        self.CAB = nn.ModuleDict({level: ChannelAttention() for level in LEVELS})
        self.RRB2 = nn.ModuleDict({level: ResidualBlock() for level in LEVELS})
        self.project = Projection()

    def forward(self, features: Features, scores: Tensor, size: Sequence[int]) -> Tensor:
        """Refine the coarse scores of all objects of all frames.

        Args:
            features: of B frames.
            scores: (B, O, h, w), the target models' outputs, at layer3's size.
            size: (H, W) of the images.

        Returns:
            Logits (B, O, H, W) of each object against everything else.
        """
        frames, objects = scores.shape[:2]
        scores = scores.flatten(0, 1).unsqueeze(1)  # (B*O, 1, h, w)
        deep: Tensor | None = None
        for level, feature in zip(LEVELS, reversed(features), strict=True):
            encoder = self.TSE[level]
            assert isinstance(encoder, TargetSegmentationEncoder)
            projected = encoder.reduce(feature).repeat_interleave(objects, 0)  # (B*O, 64, h, w)
            if deep is None:
                deep = projected.mean((2, 3), keepdim=True)
            score = _resize(scores, feature.shape[-2:]).to(projected.dtype)
            x = encoder.transform(torch.cat([projected, score], 1))
            deep = self.RRB2[level](self.CAB[level](self.RRB1[level](x), deep))
        assert deep is not None
        logits: Tensor = self.project(deep, size)
        return logits.view(frames, objects, *size)


def _resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear, align_corners=False; nothing where the size is right already."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
