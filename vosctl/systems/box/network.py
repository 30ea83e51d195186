"""A rough mask from a box: what the target model is first fitted to when nobody has drawn a mask.

A linear model of one frame cannot tell an object from what else its box holds; what objects look like has to
be learned beforehand. This small network sees the box and its surroundings, stretched to a square in which
the box always lies at the same place, as in deep interactive segmentation (DEXTR, CVPR 2018). Its mask is
coarse: edges are the refinement network's job.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from vosctl.errors import WeightsError
from vosctl.systems.backbone import Features, ResNet
from vosctl.systems.weights_file import read_weights
from vosctl.systems.weights_state import show

SIZE = 256  # pixels, both sides of the square
MARGIN = 0.25  # of the box's width and height, seen on each side of it
_DILATIONS = (1, 2, 4)


def _block(inputs: int, outputs: int, kernel: int = 3, dilation: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(
        inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=False
    )
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class BoxDecoder(nn.Module):
    """Context by dilated convolutions, and a decoder with skip connections.

    Args:
        channels: of the backbone's stages.
    """

    places: Tensor

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.reduce = _block(channels[2] + 3, 128, 1)
        self.context = nn.ModuleList([_block(128, 64, 3, dilation) for dilation in _DILATIONS])
        self.whole = nn.Sequential(nn.Conv2d(128, 64, 1), nn.ReLU(inplace=True))
        self.deep = _block(64 * (len(_DILATIONS) + 1), 128)
        self.skip2, self.skip1 = _block(channels[1], 64, 1), _block(channels[0], 32, 1)
        self.middle, self.shallow = _block(128 + 64, 64), _block(64 + 32, 48)
        self.last = nn.Conv2d(48, 4, 3, padding=1)
        self.register_buffer("places", _places(SIZE // 16), persistent=False)

    def forward(self, features: Features) -> Tensor:
        """Logits of the object in the box.

        Args:
            features: of squares (B, 3, SIZE, SIZE); layer4 is not needed.

        Returns:
            (B, SIZE/2, SIZE/2).
        """
        layer3 = features.layer3  # (B, C3, 16, 16)
        places = self.places.to(layer3.dtype).expand(len(layer3), -1, -1, -1)
        x = self.reduce(torch.cat([layer3, places], 1))
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[-2:])
        x = self.deep(torch.cat([*(block(x) for block in self.context), whole], 1))
        x = self.middle(torch.cat([_double(x), self.skip2(features.layer2)], 1))  # (B, 64, 32, 32)
        x = self.shallow(torch.cat([_double(x), self.skip1(features.layer1)], 1))  # (B, 48, 64, 64)
        return F.pixel_shuffle(self.last(x), 2).squeeze(1)


class BoxNetwork(nn.Module):
    """A ResNet-18 up to layer3, and the decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNet("resnet18", stages=3)
        self.box = BoxDecoder(self.backbone.channels)

    def forward(self, squares: Tensor) -> Tensor:
        """Logits of the object in the box.

        Args:
            squares: (B, 3, SIZE, SIZE), RGB in [0, 1]: boxes with their margins.

        Returns:
            (B, SIZE/2, SIZE/2).
        """
        logits: Tensor = self.box(self.backbone(squares))
        return logits


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _places(cells: int) -> Tensor:
    """The place of each cell: u and v, in [-1, 1] on the box, and how near its edge; (1, 3, cells, cells)."""
    steps = (torch.arange(cells) + 0.5) / cells * 2 - 1
    steps = steps * (1 + 2 * MARGIN)
    v, u = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([u, v, torch.maximum(u.abs(), v.abs())])[None]


def cut_square(image: Tensor, box: Sequence[float]) -> Tensor:
    """A box with its margin, stretched to a square; black where the frame ends.

    Args:
        image: (C, H, W).
        box: left, top, right, bottom in pixels.

    Returns:
        (C, SIZE, SIZE).
    """
    left, top, right, bottom = _with_margin(box)
    height, width = image.shape[-2:]
    cut = image[:, max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    cut = F.pad(cut, (max(0, -left), max(0, right - width), max(0, -top), max(0, bottom - height)))
    return F.interpolate(cut[None], (SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False)[0]


def put_back(square: Tensor, box: Sequence[float], height: int, width: int) -> Tensor:
    """Bring one map (h, w) of a square back to the frame: (H, W), zero outside the square."""
    left, top, right, bottom = _with_margin(box)
    enlarged = F.interpolate(
        square[None, None], (bottom - top, right - left), mode="bilinear", align_corners=False, antialias=True
    )[0, 0]
    return F.pad(enlarged, (left, width - right, top, height - bottom))  # negative padding cuts


def _with_margin(box: Sequence[float]) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    dx, dy = MARGIN * (right - left), MARGIN * (bottom - top)
    left, top = round(left - dx), round(top - dy)
    return left, top, max(left + 1, round(right + dx)), max(top + 1, round(bottom + dy))


def read_box_network(device: torch.device, path: Path) -> BoxNetwork:
    """The network in float32, ready for inference.

    Args:
        device: where to compute.
        path: of a model file.

    Raises:
        WeightsError: the file is missing, damaged or not a box network.
    """
    file = read_weights(path)
    network = BoxNetwork()
    try:
        network.load_state_dict(file.state)
    except RuntimeError:
        raise WeightsError(
            f"{file.path}: a {show(file.architecture)}, expected a box network of this version; train it anew"
        ) from None
    return network.eval().requires_grad_(False).to(device)
