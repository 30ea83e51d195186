"""The beginning of a ResNet as it is computed on a CPU: conv1 on bytes, and the maximum on integers."""

import torch
from torch import Tensor

from vosctl.compute.fused import Conv2d, PackedConvolution, faster_by_columns


class PackedStem:
    """Normalisation and conv1 as one packed convolution of the bytes, ReLU included.

    (x - mean) / std goes into the weights. What conv1 pads with is zero after the normalisation, so here it
    is the mean. Bytes are exact in bf16, so this rounds less than normalising does.

    Args:
        conv: conv1, its BatchNorm folded.
        mean: (3,), of RGB in [0, 1].
        std: (3,).
    """

    def __init__(self, conv: Conv2d, mean: Tensor, std: Tensor) -> None:
        weight = (conv.weight.float() / (255 * std.float()).view(1, 3, 1, 1)).to(conv.weight.dtype)
        # Of the weights as they were rounded, and itself not rounded: a large part of it cancels.
        bias = -(weight.float().sum((2, 3)) @ (255 * mean.float()))
        if conv.bias is not None:
            bias = bias + conv.bias.float()
        self._mean = (255 * mean.float()).to(weight.dtype)
        self._margin = conv.kernel_size[0] // 2
        self._convolution = PackedConvolution(weight, bias, conv.stride)

    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) RGB, uint8 or in [0, 1] -> (B, 64, ceil(H/2), ceil(W/2))."""
        images = images if images.dtype == torch.uint8 else images * 255
        n, _, height, width = images.shape
        m = self._margin
        padded = self._mean.new_empty(n, height + 2 * m, width + 2 * m, 3)
        padded[:, :m] = padded[:, m + height :] = self._mean
        padded[:, :, :m] = padded[:, :, m + width :] = self._mean
        padded[:, m : m + height, m : m + width] = images.permute(0, 2, 3, 1)
        return self._convolution(padded.permute(0, 3, 1, 2), relu=True)


def pool(x: Tensor, any_layout: bool = False) -> Tensor:
    """The 3x3 maximum with stride 2, of what is nowhere negative; twice as fast as `max_pool2d` on a CPU.

    Such numbers are in the order of the integers that have the same bits.

    Args:
        x: (N, C, h, w), channels last, float32 or bfloat16.
        any_layout: whether the result may lie by columns, where that is faster for what follows.

    Returns:
        (N, C, ceil(h/2), ceil(w/2)), channels last.
    """
    bits = x.permute(0, 2, 3, 1).view(torch.int32 if x.dtype == torch.float32 else torch.int16)
    n, height, width, channels = (
        (size + stride - 1) // stride for size, stride in zip(bits.shape, (1, 2, 2, 1), strict=True)
    )
    rows = bits.new_empty(n, height, bits.shape[2], channels)
    _maximum_of_three(bits.movedim(1, 0), rows.movedim(1, 0))
    if any_layout and faster_by_columns(height, width, x.dtype):
        result = bits.new_empty(n, width, height, channels).transpose(1, 2)
    else:
        result = bits.new_empty(n, height, width, channels)
    _maximum_of_three(rows.movedim(2, 0), result.movedim(2, 0))
    return result.view(x.dtype).permute(0, 3, 1, 2)


def _maximum_of_three(x: Tensor, out: Tensor) -> None:
    """The maximum of every other element along the first dimension and of its two neighbours."""
    even, odd = x[::2], x[1::2]
    torch.maximum(even[: len(odd)], odd, out=out[: len(odd)])
    out[len(odd) :] = even[len(odd) :]
    torch.maximum(out[1:], odd[: len(even) - 1], out=out[1:])
