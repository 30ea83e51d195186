"""CUDA graphs imitated on the CPU, so that what replaying can break breaks here as well."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
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
    """

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


def imitate_graphs(monkeypatch: pytest.MonkeyPatch) -> list[Recording]:
    """Have `Captured` record and replay on the CPU; returns what is recorded from now on."""
    recordings: list[Recording] = []
    stream = SimpleNamespace(wait_stream=lambda _: None)

    @contextmanager
    def graph(recording: Recording, capture_error_mode: str) -> Iterator[None]:
        assert capture_error_mode == "thread_local"
        recordings.append(recording)
        with recording:
            yield

    # Halves are for CPUs, and their threads are not recorded.
    monkeypatch.setattr(two_threads, "halves", lambda *_: 1)
    monkeypatch.setattr(graphs, "_capturable", lambda _: True)
    monkeypatch.setattr(torch.cuda, "Stream", lambda *_: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda *_: stream)
    monkeypatch.setattr(torch.cuda, "set_stream", lambda _: None)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Recording)
    return recordings


def _tensors(result: Any) -> list[Tensor]:
    return [x for x in (result if isinstance(result, tuple | list) else [result]) if isinstance(x, Tensor)]
