"""The fusion module: appearance and propagated mask together make the mask encoding (A-GAME section 3.3)."""

import math

import torch
from torch import Tensor, nn

from vosctl.compute.fused import Conv2d, conv_relu


class Fusion(nn.Module):
    """Two layers, and the predictor of the coarse mask.

    Args:
        scores: K, components of the appearance module; 0 without one.
        propagated: channels of the mask-propagation module; 0 without one.
        width: channels between the layers.
        encoding: E, channels of the mask encoding.
    """

    def __init__(self, scores: int, propagated: int, width: int, encoding: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(scores + propagated, width, 3, padding=1)
        self.conv2 = Conv2d(width, encoding, 3, padding=1)
        self.coarse = Conv2d(encoding, 1, 3, padding=1)

    def forward(self, parts: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Fuse.

        Args:
            parts: scaled scores (N, K, h, w) and propagated masks (N, W, h, w), those that there are.

        Returns:
            The encoding (N, E, h, w), and the logit of the coarse mask (N, 1, h, w). One logit is the
            difference of the two that a softmax over background and foreground would take.
        """
        x = torch.cat(parts, 1).contiguous(memory_format=torch.channels_last)
        encoding = conv_relu(self.conv2, conv_relu(self.conv1, x))
        return encoding, self.coarse(encoding)


def scale_scores(scores: Tensor, width: int) -> Tensor:
    """Bring log-likelihoods, sums over `width` dimensions, to the size of the other activations.

    What all components have in common says nothing of the class; it goes, or it would drown their differences
    in half precision.

    Args:
        scores: (B, O, K, h, w).
        width: D, of the space of the Gaussians.
    """
    return (scores - scores.mean(2, keepdim=True)) / math.sqrt(width)
