"""The baseline F.-T. of FRTM's Table 1."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.small import moving_discs, overlap, tiny_model
from vosctl.errors import WeightsError
from vosctl.systems.catalogue import open_system
from vosctl.systems.frtm import fine_tuning
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker

SETTINGS = TrackerSettings(fine_tune=True, update=False, initial_samples=20)


def test_the_numbers_of_section_4_1() -> None:
    assert (fine_tuning.ITERATIONS, fine_tuning.BATCH) == (100, 4)


def test_the_first_frame_is_learned_and_each_object_has_networks_of_its_own() -> None:
    model = tiny_model(refined=True)
    before = {name: value.clone() for name, value in model.refinement.state_dict().items()}
    frames, labels = moving_discs(3, (96, 64), objects=2, radius=12)
    settings = replace(SETTINGS, initial_samples=5)
    tracker = Tracker(model, settings)
    results = list(tracker.run(frames, {0: labels[0]}))
    untuned = list(Tracker(model, replace(settings, fine_tune=False)).run(frames, {0: labels[0]}))
    for object_id in (1, 2):
        tuned = overlap(results[1].labels == object_id, labels[1] == object_id)
        assert tuned > 0.4  # of networks of random weights, in 100 steps
        assert tuned > overlap(untuned[1].labels == object_id, labels[1] == object_id)
    for name, value in model.refinement.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_saved_state_goes_on() -> None:
    model, (frames, labels) = tiny_model(refined=True), moving_discs(2, (64, 48), radius=10)
    image = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 255
    first = open_system(model, replace(SETTINGS, initial_samples=4))
    first.start(image[0], {1: torch.from_numpy(labels[0]).float()})
    second = open_system(model, SETTINGS)
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        assert torch.equal(first.predict(image[1:]), second.predict(image[1:]))
    assert first.scores().shape == second.scores().shape == (1, 1, 1, 3, 4)


def test_there_must_be_a_network_to_tune() -> None:
    with pytest.raises(WeightsError, match="no refinement network to be fine-tuned"):
        open_system(tiny_model(), SETTINGS)
