"""The upsampling module and the final predictor: the mask encoding to the image's size (A-GAME section 3.3).

Twice, the encoding is enlarged by two and joined by the backbone's next shallower stage, projected to as many
channels. The projection is computed once per frame and shared by its objects.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor, nn

from vosctl.compute.fused import Conv2d, conv_relu
from vosctl.systems.backbone import Features


class Upsampling(nn.Module):
    """Two steps of refinement, then a logit per pixel.

    Args:
        channels: of the backbone's stages.
        encoding: E, channels of the mask encoding and of all that follows.
    """

    def __init__(self, channels: Sequence[int], encoding: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(_Step(channels[stage], encoding) for stage in (1, 0))
        self.predict = Conv2d(encoding, 1, 3, padding=1)

    def forward(self, encoding: Tensor, features: Features, size: Sequence[int]) -> Tensor:
        """Refine.

        Args:
            encoding: (B*O, E, h, w), at stride 16.
            features: of the B frames.
            size: (H, W) of the images.

        Returns:
            Logits (B, O, H, W) of each object against everything else.
        """
        x = encoding
        for step, shallow in zip(self.steps, (features.layer2, features.layer1), strict=True):
            x = step(x, shallow)
        logits = F.interpolate(self.predict(x), tuple(size), mode="bilinear", align_corners=False)
        return logits.view(features.layer1.shape[0], -1, *size)


class _Step(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.lateral = Conv2d(inputs, width, 1)
        self.conv = Conv2d(2 * width, width, 3, padding=1)

    def forward(self, x: Tensor, shallow: Tensor) -> Tensor:
        """Encodings (B*O, E, h, w) and a stage (B, C, 2h, 2w) -> (B*O, E, 2h, 2w)."""
        lateral = conv_relu(self.lateral, shallow)  # (B, E, 2h, 2w)
        objects = x.shape[0] // lateral.shape[0]
        if objects > 1:
            lateral = lateral.repeat_interleave(objects, 0)
        enlarged = F.interpolate(x, lateral.shape[-2:], mode="bilinear", align_corners=False)
        joined = torch.cat([enlarged, lateral], 1).contiguous(memory_format=torch.channels_last)
        return conv_relu(self.conv, joined)
