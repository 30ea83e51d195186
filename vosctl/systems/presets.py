"""Settings of the tracker that go by a name, and which of them a model is for; without torch."""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from vosctl.systems.choice import ModelChoice
from vosctl.systems.names import aliases, available
from vosctl.systems.settings import TrackerSettings, Version

CARD_KEY = "preset"
"""What a model's card calls the preset that it is for."""


class Preset(StrEnum):
    """What `--preset` takes."""

    DEFAULT = "default"
    BEST = "best"
    PAPER = "paper"
    PAPER_FAST = "paper-fast"

    @property
    def settings(self) -> TrackerSettings:
        """The settings of this name."""
        if self in _VERSIONS:
            return TrackerSettings.paper(_VERSIONS[self])
        return TrackerSettings.best() if self is Preset.BEST else TrackerSettings()


_VERSIONS: Mapping[Preset, Version] = {Preset.PAPER: "ours", Preset.PAPER_FAST: "ours-fast"}


def preset_of_backbone(backbone: str) -> Preset:
    """The paper's preset for a backbone: the one of ours-fast for ResNet-18, that of ours for the others."""
    return Preset.PAPER_FAST if backbone == "resnet18" else Preset.PAPER


def preset_for(choice: ModelChoice) -> Preset:
    """The preset that a model is for: what the card says of its refinement network, or else of the model.

    A card that is missing or damaged says nothing; loading the model tells what is wrong with it.
    """
    named = card_for(choice).get(CARD_KEY)
    return Preset(named) if named in set(Preset) else Preset.DEFAULT


def card_for(choice: ModelChoice) -> dict[str, Any]:
    """The card of a model's refinement network, or else of the model; empty where there is none."""
    path = choice.refinement or _path_of(choice.name)
    return _card(path) if path else {}


def _path_of(name: str | None) -> Path | None:
    """The model file behind a name, as `registry.load_model` finds it."""
    if name is None:
        return None
    known = {path.stem: path for path in reversed(list(available()))}
    return known.get(name) or known.get(aliases().get(name, name)) or Path(name)


def _card(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
