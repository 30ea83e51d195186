"""The end of S: from its last feature maps to logits at the image's size (FRTM section 3.3).

This is the plain form, to be read; `projection_fused` computes the same without the enlarged maps.
"""

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vosctl.compute.fused import Conv2d


class Projection(nn.Module):
    """The two last convolutions, at twice the shallowest level's size and at the image's.

    Args:
        width: channels of the input; half of them remain between the convolutions.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(width, width // 2, 3, padding=1)
        self.conv2 = Conv2d(width // 2, 1, 3, padding=1)

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """(N, C, h, w) -> logits (N, 1, H, W)."""
        x = F.relu(self.conv1(_double(x)))  # (N, C/2, 2h, 2w)
        x = F.interpolate(_double(x), tuple(size), mode="bilinear", align_corners=False)  # (N, C/2, H, W)
        logits: Tensor = self.conv2(x)
        return logits


def _double(x: Tensor) -> Tensor:
    """Bicubic enlarging by two: (N, C, h, w) -> (N, C, 2h, 2w)."""
    return F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
