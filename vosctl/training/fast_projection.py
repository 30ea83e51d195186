"""S's output as matrix products: the same numbers as `Projection`, several times faster to train on a CPU.

Enlarging is linear and separable, so it is one small matrix for the rows and one for the columns. A processor
multiplies matrices much faster than it interpolates, backwards above all.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.models.refinement import WIDTH, Projection


class FastProjection(Projection):
    """`Projection`, with its parameters and their names."""

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """(N, 64, h, w) -> logits (N, 1, H, W)."""
        h, w = x.shape[-2:]
        x = torch.relu(self.conv1(_enlarge_twice(x)))  # (N, 32, 2h, 2w)
        # The last 3x3 convolution acts on x enlarged to the image. Its taps are summed over the channels
        # first, as in `Projection`; then each tap's shift goes into the enlarging matrices, and the nine maps
        # are enlarged, shifted and added by two matrix products, without ever being at the image's size.
        taps = self.conv2.weight.permute(0, 2, 3, 1).reshape(9, -1, 1, 1)  # (9, 32, 1, 1)
        maps = F.conv2d(x, taps)  # (N, 9, 2h, 2w)
        rows = _shifted(2 * h, size[0], maps.dtype, maps.device)  # (H, 3*2h)
        columns = _shifted(2 * w, size[1], maps.dtype, maps.device)  # (W, 3*2w)
        maps = (
            maps.unflatten(1, (3, 3)).transpose(2, 3).flatten(-2)
        )  # (N, 3, 2h, 3*2w): row taps, rows, columns
        widened = (maps @ columns.T).flatten(1, 2)  # (N, 3*2h, W)
        logits = (rows @ widened).unsqueeze(1)  # (N, 1, H, W)
        assert self.conv2.bias is not None
        result: Tensor = logits + self.conv2.bias.view(1, 1, 1, 1)
        return result


def _enlarge_twice(x: Tensor) -> Tensor:
    """Bicubic, in channels_last throughout: (N, 64, h, w) -> (N, 64, 2h, 2w)."""
    frames, _, h, w = x.shape
    rows = _bicubic(h, x.dtype, x.device)  # (2h, h)
    columns = _bicubic(w, x.dtype, x.device)
    last = x.permute(0, 2, 3, 1).reshape(frames, h, w * WIDTH)
    tall = (rows @ last).view(frames * 2 * h, w, WIDTH)
    return (columns @ tall).view(frames, 2 * h, 2 * w, WIDTH).permute(0, 3, 1, 2)


@lru_cache(maxsize=32)
def _bicubic(small: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Doubling as a matrix, (2*small, small)."""
    eye = torch.eye(small, dtype=torch.float64)[None, None]  # (1, 1, small, small)
    return F.interpolate(eye, size=(2 * small, small), mode="bicubic", align_corners=False)[0, 0].to(
        device, dtype
    )


@lru_cache(maxsize=32)
def _shifted(small: int, large: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Doubling, enlarging to `large` and shifting by -1, 0 and 1 as one matrix, (large, 3*small); zero
    outside.
    """
    matrix = _bicubic(small, torch.float64, torch.device("cpu"))[None, None]  # (1, 1, 2*small, small)
    matrix = F.interpolate(matrix, size=(large, small), mode="bilinear", align_corners=False)[0, 0]
    padded = F.pad(matrix, (0, 0, 1, 1))  # (large+2, small)
    return torch.cat([padded[tap : tap + large] for tap in range(3)], 1).to(device, dtype)
