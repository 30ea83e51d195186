from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.small import moving_discs, overlap, tiny_agame, tiny_model
from vosctl.systems.catalogue import open_system
from vosctl.systems.settings import TrackerSettings
from vosctl.systems.views import VIEWS, SeveralViews, View
from vosctl.tracking.tracker import Tracker


def test_a_view_and_the_way_back() -> None:
    maps = torch.rand(2, 3, 32, 48)
    mirrored = View(mirrored=True)
    assert torch.equal(mirrored.of(maps), maps.flip(-1))
    assert torch.equal(mirrored.back(mirrored.of(maps), (32, 48)), maps)
    smaller = View(scale=0.75)
    assert smaller.of(maps).shape == (2, 3, 32, 32)  # a multiple of 16 that is near
    assert smaller.back(smaller.of(maps), (32, 48)).shape == maps.shape
    bytes_of = (maps * 255).to(torch.uint8)
    torch.testing.assert_close(smaller.of(bytes_of), smaller.of(bytes_of / 255))  # in [0, 1]
    assert View().of(bytes_of) is bytes_of


def test_the_mean_of_all_views_decides_and_each_learns_from_it() -> None:
    frames, labels = moving_discs(3)
    images = torch.stack([torch.from_numpy(frame).permute(2, 0, 1) for frame in frames])[..., :96, :96]
    mask = torch.from_numpy(labels[0] == 1).float()[:96, :96]
    model, settings = tiny_model(), TrackerSettings(views=3, update_interval=2, memory_interval=2)
    together = open_system(model, settings)
    assert isinstance(together, SeveralViews)
    alone = [open_system(model, replace(settings, views=1, seed=1000 * view)) for view in range(3)]
    for system, view in zip((together, *alone), (View(), *VIEWS), strict=True):
        system.start(view.of(images[:1] / 255)[0], {1: (view.of(mask[None, None])[0, 0] > 0.5).float()})
    with torch.inference_mode():
        found = together.predict(images[1:])
        each = [
            view.back(system.predict(view.of(images[1:])), images.shape[-2:])
            for system, view in zip(alone, VIEWS, strict=True)
        ]
        torch.testing.assert_close(found, torch.stack(each).mean(0))
        assert not torch.allclose(each[0], each[1], atol=1e-3)
        together.learn(found, found.argmax(1).to(torch.uint8))
        mirrored = found.flip(-1)
        alone[1].learn(mirrored, mirrored.argmax(1).to(torch.uint8))
    own = together.state_dict()["views"][1]["objects"]
    for name, values in alone[1].state_dict()["objects"].items():
        torch.testing.assert_close(own[name], values)


@pytest.mark.parametrize("of_agame", [False, True])
def test_a_clip_in_three_views(of_agame: bool) -> None:
    frames, labels = moving_discs(9, (101, 70), objects=2, radius=12)
    model = tiny_agame() if of_agame else tiny_model(True, True, True)
    settings = replace(TrackerSettings.best(), initial_samples=2)
    whole = list(Tracker(model, settings).run(frames, {0: labels[0]}, soft=True))
    assert np.array_equal(whole[0].labels, labels[0])
    first = Tracker(model, settings)
    results = list(first.run(frames[:5], {0: labels[0]}, soft=True))
    later = Tracker(model, settings)
    later.load_state_dict(first.state_dict())
    results += list(later.run(frames[5:], {}, soft=True))
    for found, expected in zip(results, whole, strict=True):
        assert np.array_equal(found.labels, expected.labels)
        assert found.labels.shape == labels[0].shape


def test_three_views_follow_a_disc() -> None:
    frames, labels = moving_discs(12)
    results = list(Tracker(tiny_model(), TrackerSettings(views=3)).run(frames, {0: labels[0]}))
    pairs = zip(results, labels, strict=True)
    assert np.mean([overlap(found.labels == 1, label == 1) for found, label in pairs]) > 0.7
