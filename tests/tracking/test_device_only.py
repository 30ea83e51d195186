"""That a window, an update and the fits read nothing on the host: what a GPU would wait for fails here.

Tests systems/frtm/learning.py and systems/frtm/segmenter.py too.
"""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch

from tests.device_only import no_host
from tests.small import tiny_agame, tiny_model
from vosctl.systems.aggregation import object_argmax
from vosctl.systems.catalogue import open_system
from vosctl.systems.frtm.learning import FirstFrame, Learned
from vosctl.systems.frtm.matching import KEYS
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.confidence import confidence
from vosctl.tracking.enlargement import enlarged_argmax

META = torch.device("meta")
OBJECTS, SIZE, GRID = 3, (96, 160), (6, 10)


@pytest.mark.parametrize(
    "look",
    [
        lambda x: x.sum().item(),
        lambda x: bool(x.any()),
        lambda x: x.tolist(),
        lambda x: x.cpu(),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: x + torch.arange(3),
        lambda x: torch.tensor([1.0, 2.0], device=x.device),
        lambda x: torch.ones(3).to(x.device),
        lambda x: torch.ones(()).to(x.device),
    ],
)
def test_what_waits_is_noticed(look: Callable[[torch.Tensor], object]) -> None:
    with no_host(), pytest.raises((RuntimeError, NotImplementedError)):
        look(torch.zeros(3, device=META))


def windows(model: Model, count: int, frames: int) -> None:
    """What a tracker does with windows of frames, without fetching the results."""
    system = open_system(model.prepare(META, torch.float32), TrackerSettings())
    if isinstance(model, type(tiny_agame())):
        system.start(
            torch.empty(3, *SIZE, device=META), {i: torch.empty(SIZE, device=META) for i in (1, 2, 3)}
        )
    else:
        assert isinstance(model, FRTMModel)
        keys = (KEYS if model.refinement is not None else 0, *GRID)
        shapes = (96, 256), (864, 864), (864,), (), (9, 96), GRID, (), keys, GRID, keys
        objects = Learned.of_parts([torch.empty(OBJECTS, *shape, device=META) for shape in shapes])
        system.load_state_dict({"until_update": 4, "ids": [1, 2, 3], "objects": objects.by_name()})
    for number in range(count):
        images = torch.empty(frames, 3, *SIZE, dtype=torch.uint8, device=META)
        with no_host() if number else torch.no_grad():  # the first makes what depends on sizes alone
            probabilities = system.predict(images)
            argmax = object_argmax(probabilities)
            system.scores()
            system.learn(probabilities, argmax)
            confidence(probabilities, argmax)
            enlarged_argmax(probabilities[0], (300, 500))


@pytest.mark.parametrize("refined", [True, False])
def test_windows_and_updates_read_nothing(refined: bool) -> None:
    windows(tiny_model(refined, refined, refined), count=3, frames=4)


def test_a_games_frames_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "vosctl.systems.agame.appearance.full_precision", lambda _: nullcontext()
    )  # not on meta
    windows(tiny_agame(), count=3, frames=1)


def test_the_first_fit_reads_nothing() -> None:
    model = tiny_model()
    fit = FirstFrame(model.schedule)
    shapes = (OBJECTS, 5, 256, *GRID), (OBJECTS, 5, *SIZE), (5,), (OBJECTS, 96, 256), (OBJECTS, 9, 96)
    samples = [torch.empty(shape, device=META) for shape in shapes]
    fit(*samples)
    with no_host():
        learned = Learned.of_parts(fit(*samples))
    assert learned.w2.shape == (OBJECTS, 9, 96)
    assert learned.prior.shape == (OBJECTS, *GRID)
