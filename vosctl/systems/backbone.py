"""The feature extractor F: a ResNet whose four stages are all kept (FRTM section 3.5).

Parameter names are torchvision's, so that its ImageNet weights load as they are; the code is our own because
the two things that are done to it here (stages returned, BatchNorm folded away) leave little of the original.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vosctl.compute.fused import Conv2d, Packable, conv_relu
from vosctl.errors import WeightsError
from vosctl.systems.packed_stem import PackedStem, pool

# Mean and standard deviation of ImageNet's RGB values in [0, 1]: what torchvision's weights expect.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
STRIDE = 16
"""Pixels of a cell of layer3, and of layer4 where it is dilated: of the score grid and of A-GAME's state."""


class Features(NamedTuple):
    """The outputs of the four stages; strides 4, 8, 16 and 32 (paper: conv2_x to conv5_x), or 16 again where
    layer4 is dilated.
    """

    layer1: Tensor  # (B, C1, ceil(H/4), ceil(W/4))
    layer2: Tensor  # (B, C2, ceil(H/8), ceil(W/8))
    layer3: Tensor  # (B, C3, ceil(H/16), ceil(W/16)), what the target model sees
    layer4: Tensor  # (B, C4, ceil(H/32), ceil(W/32)), dilated as layer3; (B, 0, 0, 0) with three stages


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (ResNet-18)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, dilations: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        first, then = dilations
        self.conv1 = Conv2d(inputs, width, 3, stride, first, first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = Conv2d(width, width, 3, 1, then, then, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, width, H/stride, W/stride)."""
        h = conv_relu(self.conv1, x, self.bn1)
        return conv_relu(self.conv2, h, self.bn2, plus=self.downsample(x))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 and a shortcut (ResNet-50 and -101); the stride is on the 3x3."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int, dilations: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        first, _ = dilations
        self.conv1 = Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = Conv2d(width, width, 3, stride, first, first, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = _shortcut(inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 4*width, H/stride, W/stride)."""
        h = conv_relu(self.conv1, x, self.bn1)
        h = conv_relu(self.conv2, h, self.bn2)
        return conv_relu(self.conv3, h, self.bn3, plus=self.downsample(x))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


@dataclass(frozen=True)
class BackboneSpec:
    """One backbone."""

    name: str
    block: type[BasicBlock] | type[Bottleneck]
    depths: tuple[int, int, int, int]
    """How many blocks there are in layer1 to layer4."""
    torchvision_weights: str = ""
    """The member of torchvision's enums with its ImageNet weights; empty where torchvision has none."""
    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    """Channels between the convolutions of a block in layer1 to layer4; the first is conv1's output too."""

    @property
    def channels(self) -> tuple[int, ...]:
        """The channels of the outputs of layer1 to layer4."""
        return tuple(width * self.block.expansion for width in self.widths)

    def fits(self, state: Mapping[str, Tensor]) -> bool:
        """Whether a state dict, in which layer4 may be missing, is of such a backbone."""
        last = f"conv{3 if self.block is Bottleneck else 2}.weight"
        blocks = [{key.split(".")[1] for key in state if key.startswith(f"layer{n}.")} for n in (1, 2, 3)]
        shapes = {f"layer3.0.{last}": self.channels[2], "conv1.weight": self.widths[0]}
        return [len(some) for some in blocks] == list(self.depths[:3]) and all(
            key in state and len(state[key]) == count for key, count in shapes.items()
        )


_backbones = {
    spec.name: spec
    for spec in (
        BackboneSpec("resnet18", BasicBlock, (2, 2, 2, 2), "ResNet18_Weights.IMAGENET1K_V1"),
        BackboneSpec("resnet50", Bottleneck, (3, 4, 6, 3), "ResNet50_Weights.IMAGENET1K_V1"),
        BackboneSpec("resnet101", Bottleneck, (3, 4, 23, 3), "ResNet101_Weights.IMAGENET1K_V1"),
    )
}


def register_backbone(spec: BackboneSpec) -> None:
    """Add a backbone for the process that calls this; architectures name it (`vosctl.systems.spec`)."""
    _backbones[spec.name] = spec


def backbone_names() -> tuple[str, ...]:
    """The names of all backbones, those of this package first."""
    return tuple(_backbones)


def backbone_named(name: str) -> BackboneSpec:
    """The backbone of a name.

    Raises:
        WeightsError: there is none.
    """
    if name not in _backbones:
        raise WeightsError(f"there is no backbone {name}; known are {', '.join(_backbones)}")
    return _backbones[name]


def find_backbone(state: Mapping[str, Tensor], source: str) -> BackboneSpec:
    """The backbone that a state dict is of.

    Args:
        state: parameters by name; layer4 may be missing.
        source: the file that they are from, for the message.

    Raises:
        WeightsError: there is none like it.
    """
    for spec in _backbones.values():
        if spec.fits(state):
            return spec
    raise WeightsError(f"{source}: fits no backbone that is known; known are {', '.join(_backbones)}")


def unit_range(images: Tensor, dtype: torch.dtype) -> Tensor:
    """RGB as uint8 or in [0, 1] -> in [0, 1], of a floating-point type."""
    return images.to(dtype) / 255 if images.dtype == torch.uint8 else images.to(dtype)


class ResNet(nn.Module, Packable):
    """A ResNet without its classifier.

    Args:
        name: which ResNet, of those in the table above.
        stages: 4, or 3 to leave layer4 out (the target model alone needs no more).
        dilated_layer4: keep layer4 at stride 16 (A-GAME section 3.3). Its convolutions then look two cells
            apart, so that with the same weights every other output cell is what it is at stride 32.
    """

    mean: Tensor
    std: Tensor
    stem: PackedStem | None = None

    def __init__(self, name: str, stages: Literal[3, 4] = 4, *, dilated_layer4: bool = False) -> None:
        super().__init__()
        spec = backbone_named(name)
        self.name = name
        self.channels = spec.channels
        inputs = spec.widths[0]
        self.conv1 = Conv2d(3, inputs, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for stage, (depth, width) in enumerate(zip(spec.depths[:stages], spec.widths[:stages], strict=True)):
            dilated = dilated_layer4 and stage == 3
            blocks = []
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 and not dilated else 1
                # The convolution that had the stride still sees neighbours; all after it are spread.
                dilations = (1 if index == 0 else 2, 2) if dilated else (1, 1)
                blocks.append(spec.block(inputs, width, stride, dilations))
                inputs = spec.channels[stage]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.stages = stages
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor, stages: int = 4, *, any_layout: bool = False) -> Features:
        """Features of RGB images.

        Args:
            images: (B, 3, H, W), RGB, uint8 or in [0, 1], any H and W.
            stages: 3 where layer4 is not needed.
            any_layout: whether the outputs may lie in memory by columns (`vosctl.compute.fused`).

        Returns:
            The outputs of the four stages.
        """
        if self.stem is not None:
            x = pool(self.stem(images), any_layout)
        else:
            x = (unit_range(images, self.mean.dtype) - self.mean) / self.std
            x = self.maxpool(conv_relu(self.conv1, x, self.bn1))
        outputs = []
        for stage in range(min(stages, self.stages)):
            x = self.get_submodule(f"layer{stage + 1}")(x)
            outputs.append(x)
        if len(outputs) == 3:
            outputs.append(x.new_zeros(x.shape[0], 0, 0, 0))
        return Features(*outputs)

    def pack(self) -> None:
        """Make the stem faster: see `Packable`."""
        mean, std = (torch.tensor(values) for values in (IMAGENET_MEAN, IMAGENET_STD))
        self.stem = PackedStem(self.conv1, mean, std)

    def unpack(self) -> None:
        """Drop the faster stem."""
        self.stem = None


def fold_batch_norms(module: nn.Module) -> None:
    """Fold each BatchNorm into the convolution before it, in place and recursively; for inference only.

    The two must stand next to each other among their parent's children, as everywhere in this package.
    """
    convolution: tuple[str, nn.Conv2d] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and convolution is not None:
            module.add_module(convolution[0], fuse_conv_bn_eval(convolution[1], child))
            module.add_module(name, nn.Identity())
        fold_batch_norms(child)
        convolution = (name, child) if isinstance(child, nn.Conv2d) else None
