"""CUDA graphs, on a machine without CUDA: what is captured, when, and what happens if that fails."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from vosctl.models import graphs
from vosctl.models.graphs import Captured

calls: list[tuple[int, ...]] = []


def double(x: Tensor) -> tuple[Tensor]:
    calls.append(tuple(x.shape))
    return (x * 2,)


class Graph:
    """Replays by running the function again, into the tensor that it returned when captured."""

    def replay(self) -> None:
        captured._outputs[0].copy_(captured._inputs[0] * 2)


captured: graphs._Graph


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    stream = SimpleNamespace(wait_stream=lambda _: None)
    monkeypatch.setattr(graphs, "_capturable", lambda _: True)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)


@pytest.mark.usefixtures("cuda")
def test_the_second_call_is_captured_and_later_ones_replayed() -> None:
    global captured
    function = Captured(double)
    assert function(torch.ones(3))[0].tolist() == [2, 2, 2]
    assert len(calls) == 1
    key = next(iter(function._graphs))
    captured = function._graphs[key] = graphs._Graph(double, [torch.ones(3)])
    assert len(calls) == 3  # the call that warms up, the one that is captured
    for value in (5.0, 7.0):
        assert function(torch.full((3,), value))[0].tolist() == [2 * value] * 3
    assert len(calls) == 3
    assert function(torch.ones(4))[0].tolist() == [2] * 4  # another shape begins anew
    assert calls[-1] == (4,)


@pytest.mark.usefixtures("cuda")
def test_a_failure_leaves_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(torch.cuda, "graph", fail)
    function = Captured(double)
    for value in (1.0, 2.0, 3.0):
        assert function(torch.full((2,), value))[0].tolist() == [2 * value] * 2
    assert function._failed


def test_on_a_cpu_it_is_the_function() -> None:
    function = Captured(double)
    for _ in range(3):
        assert function(torch.ones(2))[0].tolist() == [2, 2]
    assert not function._graphs


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: capturing cannot be tried")
def test_replays_compute_on_a_gpu() -> None:
    function = Captured(double)
    for value in (1.0, 2.0, 3.0, 4.0):
        assert function(torch.full((2,), value, device="cuda"))[0].tolist() == [2 * value] * 2
    assert not function._failed
