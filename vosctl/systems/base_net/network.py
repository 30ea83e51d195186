"""The network of Base net (FRTM section 4.1).

Two convolutions encode the reference frame's layer3 (conv4_x) and its mask; what they give is joined with
the test frame's layer3, and two more make of it the map that S gets in place of D's scores. F stays frozen;
all of this and S are trained offline. Not printed are the channels between the layers: here S's 64.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vosctl.compute.fused import Conv2d
from vosctl.systems.backbone import Features
from vosctl.systems.frtm.refinement import WIDTH
from vosctl.systems.frtm.refinement_fused import FusedRefinementNetwork


class BaseNet(nn.Module):
    """The target encoder and S.

    Args:
        channels: of the backbone's layer1 to layer4.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        seen = channels[2]
        self.encoder = nn.Sequential(
            Conv2d(seen + 1, WIDTH, 3, padding=1), nn.ReLU(inplace=True), Conv2d(WIDTH, WIDTH, 3, padding=1)
        )
        self.comparison = nn.Sequential(
            Conv2d(seen + WIDTH, WIDTH, 3, padding=1), nn.ReLU(inplace=True), Conv2d(WIDTH, 1, 3, padding=1)
        )
        self.refinement = FusedRefinementNetwork(channels)

    def encode(self, reference: Tensor, masks: Tensor) -> Tensor:
        """Encode objects as the reference frame shows them.

        Args:
            reference: (B, C, h, w), layer3 of the reference frames.
            masks: (B, O, H, W) of 0 and 1.

        Returns:
            (B, O, 64, h, w).
        """
        objects = masks.shape[1]
        small = F.interpolate(masks, reference.shape[-2:], mode="area").to(reference.dtype)
        joined = torch.cat([reference.repeat_interleave(objects, 0), small.flatten(0, 1).unsqueeze(1)], 1)
        encoding: Tensor = self.encoder(joined).unflatten(0, (-1, objects))
        return encoding

    def scores(self, encoding: Tensor, layer3: Tensor) -> Tensor:
        """The map that takes the place of D's scores: (B, O, 64, h, w) and (B, C, h, w) -> (B, O, h, w)."""
        objects = encoding.shape[1]
        features = layer3.repeat_interleave(objects, 0)
        maps: Tensor = self.comparison(torch.cat([features, encoding.flatten(0, 1)], 1))
        return maps.view(-1, objects, *layer3.shape[-2:])

    def forward(self, encoding: Tensor, features: Features, size: Sequence[int]) -> Tensor:
        """Segment frames.

        Args:
            encoding: (B, O, 64, h, w), of `encode`.
            features: of B frames.
            size: (H, W) of the images.

        Returns:
            Logits (B, O, H, W) of each object against everything else.
        """
        logits: Tensor = self.refinement(features, self.scores(encoding, features.layer3), size)
        return logits
