"""What a newcomer adds in one place works everywhere: a system that copies the last mask, and a backbone.

Tests systems/catalogue.py, systems/frtm/spec.py, systems/model.py, systems/spec.py and systems/system.py
too.

Tests systems/agame/spec.py too.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.cli.command import Command
from tests.evaluation.small_davis import moving_objects, save_davis
from tests.small import moving_discs
from vosctl.systems import backbone, catalogue
from vosctl.systems.backbone import BackboneSpec, BasicBlock, ResNet, register_backbone
from vosctl.systems.catalogue import register
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.spec import FRTM_SPEC
from vosctl.systems.model import Model
from vosctl.systems.registry import load_model
from vosctl.systems.settings import TrackerSettings
from vosctl.systems.spec import Architecture, SystemSpec, TrackingSpec
from vosctl.tracking.tracker import Tracker


@dataclass
class CopyModel(Model):
    system: ClassVar[str] = "copy"

    def networks(self) -> list[nn.Module]:
        return []


class CopySystem:
    """Every frame's masks are those that were given last."""

    frames_until_update = 3

    def __init__(self) -> None:
        self.masks: dict[int, Tensor] = {}
        self.notes: list[str] = []

    @property
    def object_ids(self) -> list[int]:
        return list(self.masks)

    def start(self, image: Tensor, masks: Mapping[int, Tensor]) -> None:
        self.masks |= masks

    def predict(self, images: Tensor) -> Tensor:
        objects = torch.stack(list(self.masks.values()))
        maps = torch.cat([1 - objects.amax(0, keepdim=True), objects])
        return maps.expand(len(images), -1, -1, -1)

    def learn(self, probabilities: Tensor, argmax: Tensor, fresh: frozenset[int] = frozenset()) -> None:
        pass

    def scores(self) -> Tensor:
        return torch.stack(list(self.masks.values()))[None, :, None, ::16, ::16]

    def state_dict(self) -> dict[str, Any]:
        return {"ids": list(self.masks), "masks": list(self.masks.values())}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.masks = dict(zip(state["ids"], state["masks"], strict=True))


COPY_SPEC = SystemSpec(
    name="copy",
    title="Copy",
    architectures=(Architecture("copy-rn18", "resnet18"),),
    purpose="follows nothing that moves",
    tracking=TrackingSpec(
        load=lambda request: CopyModel(request.name, source="nowhere"),
        open=lambda model, settings, stopwatch: CopySystem(),
        needs="nothing is needed",
    ),
)


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    monkeypatch.setattr(catalogue, "_systems", dict(catalogue._systems))
    monkeypatch.setattr(backbone, "_backbones", dict(backbone._backbones))


@pytest.fixture
def copying(vosctl: Command) -> Iterator[Command]:
    """The command, with the third system."""
    register(COPY_SPEC)
    return vosctl


def test_a_third_system_segments(copying: Command, clip: Path, tmp_path: Path) -> None:
    result = copying(
        "segment", clip, "-m", "first.png", "-o", "out", "--model", "copy-rn18", "--device", "cpu"
    )
    assert result.code == 0, result.err
    first = np.array(Image.open("first.png"))
    masks = sorted((tmp_path / "out").glob("*.png"))
    assert len(masks) == 12
    assert all(np.array_equal(np.array(Image.open(path)), first) for path in masks)
    refused = copying("segment", clip, "-m", "first.png", "-o", "other", "--model", "copy-rn19")
    assert "did you mean copy-rn18" in refused.error


def test_a_third_system_is_benchmarked(copying: Command, tmp_path: Path) -> None:
    root = save_davis(tmp_path / "DAVIS", {"ant": moving_objects(5)})
    command = ["benchmark", "--dataset", "davis17", "--root", root, "--model", "copy-rn18", "--device", "cpu"]
    result = copying(*command, "--output", "out", "--quiet")
    assert result.code == 0, result.err
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert content["run"]["model"] == "copy-rn18"
    assert content["run"]["variant"] == "ours"  # the one without a refinement network is FRTM's
    figures = content["figures"]["sequences"]
    assert figures["ant"]["J-Mean"] < 1
    assert (np.array(Image.open("out/ant/00004.png")) == moving_objects(1)[0]).all()


def test_a_third_system_is_listed(copying: Command) -> None:
    listed = json.loads(copying("weights", "list", "--json").out)["models"]
    assert {
        "name": "copy-rn18",
        "architecture": "copy-rn18",
        "what": "resnet18: nothing is needed",
        "file": None,
    } in listed


def test_a_new_backbone_loads_and_tracks(tmp_path: Path) -> None:
    register_backbone(BackboneSpec("tiny", BasicBlock, (1, 1, 1, 1), widths=(8, 16, 24, 32)))
    register(replace(FRTM_SPEC, architectures=(*FRTM_SPEC.architectures, Architecture("frtm-tiny", "tiny"))))
    torch.manual_seed(0)
    torch.save(ResNet("tiny", stages=3).state_dict(), tmp_path / "tiny.pth")
    for name in (None, "frtm-tiny"):
        model = load_model(name, backbone_weights=tmp_path / "tiny.pth", device="cpu", precision="fp32")
        assert isinstance(model, FRTMModel)
        assert (model.name, model.backbone.channels) == ("frtm-tiny", (8, 16, 24, 32))
    frames, labels = moving_discs(3)
    results = list(Tracker(model, TrackerSettings(initial_samples=1)).run(frames, {0: labels[0]}))
    assert [result.labels.shape for result in results] == [labels[0].shape] * 3
    assert np.array_equal(results[0].labels, labels[0])
    assert results[2].labels.any()
