"""Tests systems/settings.py too, beside what it is named after."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.small import tiny_model
from vosctl.errors import UsageError
from vosctl.systems.choice import ModelChoice
from vosctl.systems.frtm.initial_samples import sample_weights
from vosctl.systems.frtm.loading import schedule_on
from vosctl.systems.frtm.score_grid_loss import KAPPA_MIN
from vosctl.systems.frtm.target_model import HIDDEN, OURS
from vosctl.systems.presets import Preset, preset_for, preset_of_backbone
from vosctl.systems.settings import TrackerSettings


def test_every_number_of_the_paper() -> None:
    """Where each is printed: FRTM sections 3.1 (kappa), 3.4 (eta, K_max, t_s) and 3.5 (all others)."""
    assert asdict(TrackerSettings.paper("ours")) == {
        "refine": True,
        "update": True,
        "update_interval": 8,  # t_s
        "memory_interval": 1,  # step 7 of Algorithm 1 extends the memory by every frame
        "learning_rate": 0.1,  # eta
        "nearby": False,  # step 5 takes the scores as they are
        "initial_samples": 5,  # |M_0|
        "initial_steps": 5,  # N_GN
        "refit": False,  # step 2 is one optimisation
        "update_steps": 10,  # N_CGu
        "memory_size": None,  # K_max: see the docstring, and test_algorithm_1
        "fine_tune": False,  # that is a baseline of Table 1
        "prior": False,  # step 6: S(x, s)
        "views": 1,
        "window": 8,  # changes no result
        "max_size": None,  # whole frames
        "seed": 0,
    }
    fast = asdict(TrackerSettings.paper("ours-fast"))
    ours = asdict(TrackerSettings.paper())
    assert {name: value for name, value in fast.items() if value != ours[name]} == {
        "initial_steps": 4,
        "update_steps": 5,
    }
    assert (HIDDEN, KAPPA_MIN) == (96, 0.1)
    assert sample_weights(5).tolist() == pytest.approx([2 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6])


@pytest.mark.parametrize("backbone", ["resnet18", "resnet101"])
def test_the_steps_of_conjugate_gradients(backbone: str) -> None:
    """N_CGi = 5 in the first Gauss-Newton step and N_CG = 10 in the others, whatever the backbone."""
    ours = schedule_on(backbone).adapted(TrackerSettings.paper("ours"))
    fast = schedule_on(backbone).adapted(TrackerSettings.paper("ours-fast"))
    assert (ours.first_frame, ours.update, ours.refit) == ((5, 10, 10, 10, 10), 10, False)
    assert (fast.first_frame, fast.update, fast.refit) == ((5, 10, 10, 10), 5, False)
    assert preset_of_backbone(backbone) == ("paper-fast" if backbone == "resnet18" else "paper")


def test_without_numbers_in_the_settings_the_model_keeps_its_own() -> None:
    assert OURS.adapted(TrackerSettings()) == OURS
    schedule = tiny_model().schedule
    assert schedule.adapted(TrackerSettings()) == schedule


def test_the_card_of_a_model_tells_its_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOSCTL_WEIGHTS", str(tmp_path))
    (tmp_path / "theirs.pt").write_bytes(b"")
    (tmp_path / "theirs.json").write_text(json.dumps({"preset": "paper"}))
    (tmp_path / "odd.pt").write_bytes(b"")
    (tmp_path / "odd.json").write_text("[")
    assert preset_for(ModelChoice()) is Preset.DEFAULT
    assert preset_for(ModelChoice("frtm-rn18")) is Preset.DEFAULT
    assert preset_for(ModelChoice("theirs")) is Preset.PAPER
    assert preset_for(ModelChoice(str(tmp_path / "theirs.pt"))) is Preset.PAPER
    assert preset_for(ModelChoice("frtm-rn101", refinement=tmp_path / "theirs.pt")) is Preset.PAPER
    assert preset_for(ModelChoice("odd")) is Preset.DEFAULT
    assert Preset.PAPER_FAST.settings == TrackerSettings.paper("ours-fast")


def test_numbers_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="update_steps is 0; it must be at least 1"):
        TrackerSettings(update_steps=0)
    with pytest.raises(UsageError, match="memory_size is 4; it must have room for the first frame's 5"):
        TrackerSettings(memory_size=4)
