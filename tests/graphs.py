"""CUDA graphs imitated on the CPU, so that what replaying can break breaks here as well."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from vosctl.compute import graphs, two_threads


class Recording(TorchDispatchMode):
    """Records the operators of a function; replaying runs them again on the very same tensors.

    As with a graph, an operator whose input changes between replays sees the new values only if the input is
    one of the recorded tensors, and all results are overwritten by the next replay.

    Attributes:
        replays: how many there were.
        pool: that it was captured in.
        stream: that it was captured on.
    """

    pool: object
    stream: "Stream"

    def __init__(self) -> None:
        super().__init__()
        self.replays = 0
        self._operators: list[tuple[Any, ...]] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if function.__name__.partition(".")[0] in ("_local_scalar_dense", "nonzero", "equal"):
            raise RuntimeError(f"not permitted when stream is capturing: {function}")
        result = function(*args, **(kwargs or {}))
        self._operators.append((function, args, kwargs or {}, result))
        return result

    def replay(self) -> None:
        self.replays += 1
        for function, args, kwargs, result in self._operators:
            again = function(*args, **kwargs)
            for old, new in zip(_tensors(result), _tensors(again), strict=True):
                if old.data_ptr() != new.data_ptr():  # neither a view nor in place
                    old.copy_(new)


class Stream:
    """A stream that remembers what it has waited for."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.waited: list[Stream] = []

    def wait_stream(self, other: "Stream") -> None:
        self.waited.append(other)


def imitate_graphs(monkeypatch: pytest.MonkeyPatch, free: int = 1 << 40) -> list[Recording]:
    """Have `Captured` record and replay on the CPU; returns what is recorded from now on.

    It is stricter than CUDA, which takes it ill much later or not at all: a capture is on a stream that was
    named, of the device of the inputs, on which a warm-up has run, and in a pool that was asked for.

    Args:
        free: bytes that the device has left; a plain call takes a thousand.
    """
    recordings: list[Recording] = []
    streams: list[Stream] = []  # that are current, innermost last
    warm: set[Stream] = set()
    pools: set[object] = set()

    def current_stream(device: torch.device) -> Stream:
        return streams[-1] if streams else Stream(device)

    @contextmanager
    def on_stream(stream: Stream) -> Iterator[None]:
        warm.add(stream)
        streams.append(stream)
        yield
        streams.pop()

    @contextmanager
    def graph(recording: Recording, pool: object, stream: Stream, capture_error_mode: str) -> Iterator[None]:
        assert capture_error_mode == "thread_local"
        assert stream in warm, "captured on a stream without a warm-up"
        assert stream.waited, "captured on a stream that did not wait for its inputs"
        assert stream.device == torch.device("cpu"), "captured on a device that is not its inputs'"
        assert pool in pools
        recording.pool, recording.stream = pool, stream
        recordings.append(recording)
        with recording:
            yield

    def pool_handle() -> object:
        pools.add(made := object())
        return made

    # Halves are for CPUs, and their threads are not recorded.
    monkeypatch.setattr(two_threads, "halves", lambda *_: 1)
    monkeypatch.setattr(graphs, "_capturable", lambda _: True)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", current_stream)
    monkeypatch.setattr(torch.cuda, "set_stream", lambda _: None)
    monkeypatch.setattr(torch.cuda, "stream", on_stream)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Recording)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", pool_handle)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 1 << 40))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 0)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 0)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: 1000)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _: None)
    return recordings


def _tensors(result: Any) -> list[Tensor]:
    return [x for x in (result if isinstance(result, tuple | list) else [result]) if isinstance(x, Tensor)]
