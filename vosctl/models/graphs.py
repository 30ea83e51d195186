"""Work of fixed shapes on a GPU as one CUDA graph: hundreds of small kernels, launched by one call."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., tuple[Tensor, ...]]


class Captured:
    """A function of tensors, replayed once it has run with the same shapes; without CUDA just the function.

    The first call with given shapes is plain and sets up what libraries and caches need, the second is
    captured. If that fails, all later calls are plain. What a replay returns is overwritten by the next.

    Args:
        function: of tensors alone, without choices that depend on their values.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._graphs: dict[Any, _Graph | None] = {}
        self._failed = False

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The function of `inputs`."""
        if self._failed or not all(_capturable(x) for x in inputs):
            return self._function(*inputs)
        key = tuple((x.shape, x.stride(), x.dtype) for x in inputs)
        if key not in self._graphs:
            self._graphs[key] = None
            return self._function(*inputs)
        graph = self._graphs[key]
        if graph is None:
            try:
                graph = _Graph(self._function, inputs)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError:
                self._failed = True
                return self._function(*inputs)
            self._graphs[key] = graph
        return graph.replay(inputs)


class _Graph:
    def __init__(self, function: Function, inputs: Sequence[Tensor]) -> None:
        self._inputs = [x.clone() for x in inputs]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # once more, as capturing demands
            function(*self._inputs)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = function(*self._inputs)

    def replay(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        for static, x in zip(self._inputs, inputs, strict=True):
            static.copy_(x)
        self._graph.replay()
        return self._outputs


def _capturable(x: Tensor) -> bool:
    return x.is_cuda
