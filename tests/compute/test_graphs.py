"""CUDA graphs, on a machine without CUDA: what is captured, when, and what happens if that fails."""

import pytest
import torch
from torch import Tensor

from tests.graphs import Recording, imitate_graphs
from vosctl.compute import graphs
from vosctl.compute.constants import constant
from vosctl.compute.graphs import SWITCH, Captured, GraphRoom

calls: list[tuple[int, ...]] = []


def double(x: Tensor) -> tuple[Tensor]:
    calls.append(tuple(x.shape))
    return (x * 2,)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> list[Recording]:
    calls.clear()
    return imitate_graphs(monkeypatch)


def test_the_second_call_is_captured_and_later_ones_replayed(cuda: list[Recording]) -> None:
    function = Captured(double)
    assert function(torch.ones(3))[0].tolist() == [2, 2, 2]
    assert len(calls) == 1
    results = []
    for value in (5.0, 7.0, 9.0):
        results.append(function(torch.full((3,), value))[0])
        assert len(calls) == 3  # one more to warm up, one that is captured
    assert [result.tolist() for result in results] == [[10] * 3, [14] * 3, [18] * 3]  # none is overwritten
    assert cuda[0].replays == 3
    assert function(torch.ones(4))[0].tolist() == [2] * 4  # another shape begins anew
    assert calls[-1] == (4,)


@pytest.mark.usefixtures("cuda")
def test_of_many_shapes_those_used_last_are_kept() -> None:
    function = Captured(double)
    for size in [1, *range(1, 12), 5, 5]:
        function(torch.ones(size))
        function(torch.ones(5))
    assert len(function._graphs) == graphs._MOST_GRAPHS
    before = len(calls)
    function(torch.ones(5))
    assert len(calls) == before


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize("error", [RuntimeError, torch.OutOfMemoryError])
def test_a_failure_leaves_the_function(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("operation not permitted when stream is capturing")

    monkeypatch.setattr(torch.cuda, "graph", fail)
    function = Captured(double)
    for value in (1.0, 2.0, 3.0):
        assert function(torch.full((2,), value))[0].tolist() == [2 * value] * 2
    assert function._room.failure == (
        "capturing one failed: operation not permitted when stream is capturing"
    )
    assert not function._graphs


def twice(function: Captured) -> None:
    for value in (1.0, 2.0):
        assert function(torch.full((2,), value))[0].tolist() == [2 * value] * 2


def test_functions_of_a_room_share_stream_and_pool(cuda: list[Recording]) -> None:
    room = GraphRoom()
    twice(Captured(double, room))
    twice(Captured(double, room))
    twice(Captured(double))
    assert cuda[0].stream is cuda[1].stream
    assert cuda[0].pool is cuda[1].pool
    assert cuda[0].stream is not cuda[2].stream  # another model, perhaps on another device
    assert cuda[0].pool is not cuda[2].pool
    room.renew()
    twice(Captured(double, room))
    assert cuda[3].pool is not cuda[0].pool


def test_after_a_failure_the_whole_room_is_without_graphs(
    cuda: list[Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = GraphRoom()
    first = Captured(double, room)
    twice(first)
    assert first.is_in_use
    assert len(cuda) == 1

    def fail(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.cuda, "graph", fail)
    twice(Captured(double, room))
    twice(first)
    assert not first.is_in_use
    assert room.failure == "capturing one failed: CUDA out of memory"


def test_without_twice_the_room_of_a_plain_call_nothing_is_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    recordings = imitate_graphs(monkeypatch, free=1999)
    function = Captured(double)
    twice(function)
    assert not recordings
    assert function._room.failure == "one needs 0 MB of the GPU, of which 0 are free"
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (2000, 2000))
    twice(Captured(double))
    assert len(recordings) == 1


def test_graphs_can_be_turned_off(cuda: list[Recording], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    function = Captured(double)
    twice(function)
    assert not cuda
    assert function._room.failure == "VOSCTL_NO_GRAPHS is set"


@pytest.mark.usefixtures("cuda")
def test_a_graph_holds_the_constants_that_it_reads() -> None:
    @constant
    def ramp(size: int) -> Tensor:
        return torch.arange(size)

    function = Captured(lambda x: (x + ramp(len(x)),))
    for _ in range(2):
        function(torch.zeros(3))
    (graph,) = function._graphs.values()
    assert graph is not None
    assert graph._constants[0] is ramp(3)
    assert len(graph._constants) == 1


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
    assert function._room.failure is None
