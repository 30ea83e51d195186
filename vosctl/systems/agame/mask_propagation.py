"""The mask-propagation module: where the object was, carried to the next frame (A-GAME section 3.3)."""

from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor, nn

from vosctl.compute.fused import Conv2d, conv_relu

_DILATIONS = (1, 3, 6)


class MaskPropagation(nn.Module):
    """Three layers, the middle one a pyramid of dilated convolutions.

    The first layer sees, side by side, this frame's features, the first frame's features, the previous mask
    and the first mask. It is 1x1 and linear, so each of the four has its own share of it: the first frame's
    is computed once per object, and this frame's features are seen once for all objects.

    Args:
        inputs: C, channels of the backbone's last stage.
        width: W, channels of each layer.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.parts = (inputs, inputs, 2, 2)
        self.join = nn.Conv2d(sum(self.parts), width, 1)
        self.pyramid = nn.ModuleList(
            Conv2d(width, width, 3, padding=dilation, dilation=dilation) for dilation in _DILATIONS
        )
        self.merge = Conv2d(len(_DILATIONS) * width, width, 3, padding=1)

    def reference(self, features: Tensor, masks: Tensor) -> Tensor:
        """What the first layer makes of the first frame.

        Args:
            features: (B, C, h, w).
            masks: (B, O, h, w) in [0, 1], as given.

        Returns:
            (B, O, W, h, w).
        """
        _, first_features, _, first_mask = self.join.weight.split(self.parts, 1)
        return F.conv2d(features, first_features).unsqueeze(1) + _of_masks(masks, first_mask)

    def forward(self, features: Tensor, previous: Tensor, reference: Tensor) -> Tensor:
        """Encode where each object is likely to be.

        Args:
            features: (B, C, h, w), this frame's.
            previous: (B, O, h, w) in [0, 1], the masks of the frame before.
            reference: (B, O, W, h, w), of `reference`.

        Returns:
            (B*O, W, h, w).
        """
        own, _, previous_mask, _ = self.join.weight.split(self.parts, 1)
        shared = F.conv2d(features, own, self.join.bias).unsqueeze(1)
        x = F.relu(reference + shared + _of_masks(previous, previous_mask)).flatten(0, 1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = torch.cat([conv_relu(cast(Conv2d, branch), x) for branch in self.pyramid], 1)
        return conv_relu(self.merge, x)


def _of_masks(masks: Tensor, weight: Tensor) -> Tensor:
    """Background and foreground through their share of the 1x1 layer: (B, O, h, w) -> (B, O, W, h, w)."""
    maps = torch.stack([1 - masks, masks], 2).flatten(0, 1).to(weight.dtype)
    encoded: Tensor = F.conv2d(maps, weight).unflatten(0, masks.shape[:2])
    return encoded
