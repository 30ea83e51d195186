"""Convolutions that take a sum and the ReLU along, in one pass over memory (oneDNN, on a CPU).

On a CPU with matrix units a convolution of 64 channels is over sooner than the sum and the ReLU after it.
PyTorch's own fused operator does all three while a result is in the cache. Networks call `conv_relu`: it is
the plain form until `pack` has prepared the network, and wherever the operator is missing: other devices,
dtypes and builds of PyTorch, and training.

Maps may lie in memory row by row or column by column, channels last in either case. The result is the same
but for rounding; which is faster depends on the size: see `faster_by_columns`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

_TYPES = (torch.float32, torch.bfloat16)
_GOOD_ROWS = (range(112, 127), range(223, 249))  # cells


def faster_by_columns(height: int, width: int, dtype: torch.dtype) -> bool:
    """Whether convolutions of 64 channels are faster on such a map with rows and columns exchanged.

    How oneDNN's kernels for matrix units cut up a row suits some lengths: of 60 to 360 cells, these took a
    fifth less time for each cell than all others. A map of 480p has 120 rows of 214.
    """
    good_height, good_width = (any(size in good for good in _GOOD_ROWS) for size in (height, width))
    return dtype == torch.bfloat16 and good_height and not good_width


def by_columns(x: Tensor) -> bool:
    """Whether the map lies in memory column by column, channels last."""
    last = torch.channels_last
    return not x.is_contiguous(memory_format=last) and x.mT.is_contiguous(memory_format=last)


class PackedConvolution:
    """The weights of one convolution in the layout that oneDNN likes best, for inference.

    Args:
        weight: (out, in, kh, kw).
        bias: (out,).
        stride: for rows and columns, as the rest.
        padding: zeros on either side.
        dilation: of the kernel.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Sequence[int] = (1, 1),
        padding: Sequence[int] = (0, 0),
        dilation: Sequence[int] = (1, 1),
    ) -> None:
        self._plain = weight.detach()
        self._weights: dict[int, Tensor] = {}  # by the number of threads, which the best layout depends on
        self._turned: PackedConvolution | None = None
        self._bias = None if bias is None else bias.detach()
        self._stride, self._padding, self._dilation = stride, padding, dilation
        self._geometry = (list(padding), list(stride), list(dilation), 1)  # the last: groups

    def __call__(self, x: Tensor, plus: Tensor | None = None, relu: bool = False) -> Tensor:
        """relu(convolution(x) + plus); `plus` may be overwritten.

        Args:
            x: (N, in, h, w), channels last.
            plus: of the result's shape.
            relu: without it the bare sum.

        Returns:
            (N, out, h', w'), in memory as `plus`, or else as `x`.
        """
        if by_columns(x if plus is None else plus):
            return self.turned()(x.mT, None if plus is None else plus.mT, relu).mT
        weight = self._packed(x)
        if plus is None:
            operator = torch.ops.mkldnn._convolution_pointwise.default
            result = operator(x, weight, self._bias, *self._geometry, "relu" if relu else "none", [], "")
        else:
            operator = torch.ops.mkldnn._convolution_pointwise_.binary
            last = "relu" if relu else None
            # In another layout it would take a slow path, which bfloat16 has not.
            plus = plus.contiguous(memory_format=torch.channels_last)
            result = operator(plus, x, weight, self._bias, *self._geometry, "add", 1.0, last, [], "")
        return cast(Tensor, result)

    def turned(self) -> "PackedConvolution":
        """The same convolution for maps whose rows and columns are exchanged."""
        if self._turned is None:
            geometry = (sides[::-1] for sides in (self._stride, self._padding, self._dilation))
            self._turned = PackedConvolution(self._plain.mT, self._bias, *geometry)
        return self._turned

    def _packed(self, x: Tensor) -> Tensor:
        """Packed when first used, as the best layout depends on the size; it serves all sizes.

        Two threads may come here for the first time together: both pack then, and to the same.
        """
        threads = torch.get_num_threads()
        if threads not in self._weights:
            opaque = self._plain.contiguous(memory_format=torch.channels_last).to_mkldnn()
            reorder = torch.ops.aten.mkldnn_reorder_conv2d_weight.default
            self._weights[threads] = cast(Tensor, reorder(opaque, *self._geometry, list(x.shape)))
        return self._weights[threads]


class Packable(ABC):
    """A module that has a faster form of itself for inference."""

    @abstractmethod
    def pack(self) -> None:
        """Make that form, from the present parameters."""

    @abstractmethod
    def unpack(self) -> None:
        """Drop it again."""


class Conv2d(nn.Conv2d, Packable):
    """`nn.Conv2d`, which `pack` can make faster."""

    packed: PackedConvolution | None = None

    def pack(self) -> None:
        """Prepare the packed weights: see `Packable`."""
        if self.groups == 1 and self.padding_mode == "zeros" and not isinstance(self.padding, str):
            self.packed = PackedConvolution(self.weight, self.bias, self.stride, self.padding, self.dilation)

    def unpack(self) -> None:
        """Drop the packed weights."""
        self.packed = None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, h, w) -> (N, out, h', w')."""
        return super().forward(x) if self.packed is None else self.packed(x)


def conv_relu(conv: Conv2d, x: Tensor, norm: nn.Module | None = None, plus: Tensor | None = None) -> Tensor:
    """relu(norm(conv(x)) + plus).

    Args:
        conv: the convolution.
        x: (N, in, h, w).
        norm: the BatchNorm between, which `fold_batch_norms` has folded into `conv` where that is packed.
        plus: of the result's shape; must not be used any more, it may have been overwritten.

    Returns:
        (N, out, h', w').
    """
    if conv.packed is not None:
        return conv.packed(x, plus, relu=True)
    x = conv(x)
    if norm is not None:
        x = norm(x)
    return torch.relu_(x if plus is None else x + plus)


def can_pack(parameter: Tensor) -> bool:
    """Whether the fused operator is there and works for a network with such parameters."""
    if parameter.device.type != "cpu" or parameter.dtype not in _TYPES or parameter.requires_grad:
        return False
    return torch.backends.mkldnn.is_available() and _works(parameter.dtype)


def _works(dtype: torch.dtype) -> bool:
    """Try it once: these operators are PyTorch's own business and may change."""
    weight = torch.ones(2, 2, 1, 1, dtype=dtype)
    x = torch.ones(1, 2, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
    try:
        with torch.inference_mode():
            packed = PackedConvolution(weight, weight[:, 0, 0, 0])
            return bool((packed(x, -4 * x, relu=True) == 0).all() and (packed(x, relu=True) == 3).all())
    except (AttributeError, RuntimeError, TypeError):
        return False


def pack(network: nn.Module) -> None:
    """Prepare a network whose BatchNorms have been folded; where that is not possible it is left plain."""
    possible = can_pack(next(network.parameters()))
    for module in network.modules():
        if isinstance(module, Packable):
            if possible:
                module.pack()
            else:
                module.unpack()


def widen(weight: Tensor, bias: Tensor | None, outputs: int, inputs: int) -> tuple[Tensor, Tensor | None]:
    """Add channels of zeros, which change nothing; odd numbers of channels are slow."""
    weight = F.pad(weight, (0, 0, 0, 0, 0, inputs - weight.shape[1], 0, outputs - weight.shape[0]))
    return weight, bias if bias is None else F.pad(bias, (0, outputs - bias.shape[0]))
