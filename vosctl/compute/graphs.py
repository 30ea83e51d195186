"""Work of fixed shapes on a GPU as one CUDA graph: hundreds of small kernels, launched by one call."""

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from vosctl.compute.constants import constants_used
from vosctl.compute.device_memory import free_bytes, peak_of
from vosctl.compute.probe import in_one_line

Function = Callable[..., tuple[Tensor, ...]]

SWITCH = "VOSCTL_NO_GRAPHS"
"""The environment variable that turns graphs off where it is not empty."""

_MOST_GRAPHS = 8  # of one function; each keeps what it gives and what it takes


class GraphRoom:
    """What the graphs of one model share: a stream to capture on, a pool of memory, and whether they work.

    They may share a pool since they never run at the same time, and since what one gives is copied before
    another runs. A model is on one device, and so is its room.

    Attributes:
        failure: why there are no more graphs, as part of a sentence; None where they are in use.
    """

    def __init__(self) -> None:
        self.failure: str | None = f"{SWITCH} is set" if os.environ.get(SWITCH) else None
        self._stream: torch.cuda.Stream | None = None
        self._pool: Any = None

    def renew(self) -> None:
        """Take a new pool from now on: the old one goes with the last of its graphs."""
        self._pool = None

    def give_up(self, reason: str) -> None:
        """Have no graphs from now on; the first reason counts."""
        self.failure = self.failure or reason
        self.renew()

    def stream(self, device: torch.device) -> torch.cuda.Stream:
        """The stream on which graphs are warmed up and captured.

        Left to itself PyTorch would capture on one stream of the first device that had a graph, where the
        work of another device is not recorded.
        """
        if self._stream is None:
            self._stream = torch.cuda.Stream(device)
        return self._stream

    def pool(self) -> Any:
        """The memory that graphs compute in."""
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        return self._pool


class Captured:
    """A function of tensors, replayed once it has run with the same shapes; without CUDA just the function.

    The first call with given shapes is plain and sets up what libraries and caches need, the second is
    captured; of many shapes those used last are kept. If capturing fails, or there is no room for it, all
    later calls of all functions of the room are plain, and `GraphRoom.failure` says why.

    Args:
        function: of tensors alone, without choices that depend on their values.
        room: what it shares with other functions; None for a room of its own.
    """

    def __init__(self, function: Function, room: GraphRoom | None = None) -> None:
        self._function = function
        self._room = room or GraphRoom()
        self._graphs: OrderedDict[Any, _Graph | None] = OrderedDict()
        self._peaks: dict[Any, int] = {}  # bytes that plain calls took

    @property
    def is_in_use(self) -> bool:
        """Whether it has a graph."""
        return any(self._graphs.values())

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The function of `inputs`."""
        if not all(_capturable(x) for x in inputs):
            return self._function(*inputs)
        if self._room.failure:
            self._graphs.clear()
            return self._function(*inputs)
        device = inputs[0].device
        key = tuple((x.shape, x.stride(), x.dtype) for x in inputs)
        if key not in self._graphs:
            result, self._peaks[key] = peak_of(device, lambda: self._function(*inputs))
            self._graphs[key] = None
            if len(self._graphs) > _MOST_GRAPHS:
                forgotten, _ = self._graphs.popitem(last=False)
                del self._peaks[forgotten]
            return result
        self._graphs.move_to_end(key)
        graph = self._graphs[key]
        if graph is None:
            graph = self._graphs[key] = self._capture(device, inputs, 2 * self._peaks[key])
        if graph is None:
            self._graphs.clear()
            return self._function(*inputs)
        return graph.replay(inputs)

    def _capture(self, device: torch.device, inputs: Sequence[Tensor], need: int) -> "_Graph | None":
        """The graph; None, and the room's failure, where there is none to be had."""
        # Running out in the middle of a capture may leave PyTorch's allocator unfit for work.
        room = free_bytes(device)
        if room < need:
            self._room.give_up(
                f"one needs {need / 1e6:.0f} MB of the GPU, of which {room / 1e6:.0f} are free"
            )
            return None
        try:
            return _Graph(self._function, inputs, self._room)
        except RuntimeError as error:  # of memory too
            self._room.give_up(f"capturing one failed: {in_one_line(error)}")
            return None


class _Graph:
    def __init__(self, function: Function, inputs: Sequence[Tensor], room: GraphRoom) -> None:
        device = inputs[0].device
        self._inputs = [x.clone() for x in inputs]
        current, side = torch.cuda.current_stream(device), room.stream(device)
        side.wait_stream(current)
        with torch.cuda.stream(side):  # once more, as capturing demands
            function(*self._inputs)
        current.wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        capture = torch.cuda.graph(
            self._graph,
            pool=room.pool(),
            stream=side,
            capture_error_mode="thread_local",  # others may pin memory
        )
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
