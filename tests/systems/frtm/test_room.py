"""Running out of a GPU's memory: the graphs go first, then what is computed at once is halved."""

import pytest
import torch
from torch import Tensor

from tests.graphs import imitate_graphs
from tests.small import tiny_model
from vosctl.compute.graphs import Captured
from vosctl.errors import DeviceError
from vosctl.systems.frtm.tracker import FRTM
from vosctl.systems.settings import TrackerSettings

_FRAMES = torch.zeros(1, 3, 32, 48)


def test_graphs_are_given_up_before_less_is_done_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    imitate_graphs(monkeypatch)
    model = tiny_model()
    system = FRTM(model, TrackerSettings())
    kept = model.captured["double",] = Captured(lambda x: (x * 2,), model.graphs)
    for _ in range(2):
        kept(torch.ones(2))
    assert kept.is_in_use
    at_once, seen = system._maps_at_once, []

    def work() -> Tensor:
        seen.append(system._maps_at_once)
        if len(seen) < 3:
            raise torch.OutOfMemoryError("simulated")
        return _FRAMES

    assert system._with_room(_FRAMES, work) is _FRAMES
    assert seen == [at_once, at_once, at_once // 2]
    assert not model.captured
    assert model.graphs.failure == "their memory was needed"
    assert "at a time, which is slower" in system.notes[0]


def test_what_never_fits_ends_with_what_to_do() -> None:
    system = FRTM(tiny_model(), TrackerSettings())

    def work() -> Tensor:
        raise torch.OutOfMemoryError("simulated")

    with pytest.raises(DeviceError, match="no room for one object at 48x32; use --max-size"):
        system._with_room(_FRAMES, work)
