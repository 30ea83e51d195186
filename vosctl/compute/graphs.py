"""Work of fixed shapes on a GPU as one CUDA graph: hundreds of small kernels, launched by one call."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from vosctl.compute.constants import constants_used

Function = Callable[..., tuple[Tensor, ...]]

_MOST_GRAPHS = 8  # of one function; each keeps the memory that it computes in


class Captured:
    """A function of tensors, replayed once it has run with the same shapes; without CUDA just the function.

    The first call with given shapes is plain and sets up what libraries and caches need, the second is
    captured; of many shapes those used last are kept. If capturing fails, all later calls are plain.

    Args:
        function: of tensors alone, without choices that depend on their values.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._graphs: OrderedDict[Any, _Graph | None] = OrderedDict()
        self._failed = False

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The function of `inputs`."""
        if self._failed or not all(_capturable(x) for x in inputs):
            return self._function(*inputs)
        key = tuple((x.shape, x.stride(), x.dtype) for x in inputs)
        if key not in self._graphs:
            self._graphs[key] = None
            if len(self._graphs) > _MOST_GRAPHS:
                self._graphs.popitem(last=False)
            return self._function(*inputs)
        self._graphs.move_to_end(key)
        graph = self._graphs[key]
        if graph is None:
            try:
                graph = self._graphs[key] = _Graph(self._function, inputs)
            except RuntimeError:  # of memory too: a graph takes more than a plain call
                self._failed = True
        if graph is None:
            self._graphs.clear()
            return self._function(*inputs)
        return graph.replay(inputs)


class _Graph:
    def __init__(self, function: Function, inputs: Sequence[Tensor]) -> None:
        self._inputs = [x.clone() for x in inputs]
        current, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(current)
        with torch.cuda.stream(side):  # once more, as capturing demands
            function(*self._inputs)
        current.wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        capture = torch.cuda.graph(self._graph, capture_error_mode="thread_local")  # others may pin memory
        try:
            with constants_used() as self._constants, capture:
                self._outputs = function(*self._inputs)
        finally:
            torch.cuda.set_stream(current)  # where capturing fails it leaves its own

    def replay(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        for static, x in zip(self._inputs, inputs, strict=True):
            static.copy_(x)
        self._graph.replay()
        return tuple(x.clone() for x in self._outputs)  # which the next replay overwrites


def _capturable(x: Tensor) -> bool:
    return x.is_cuda
