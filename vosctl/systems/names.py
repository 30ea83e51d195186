"""The names of models, and where their files lie; without torch, so that shells complete them at once."""

import os
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_data_path

from vosctl.systems.catalogue import systems, tracking_architectures

DEFAULT = "frtm-rn18"
SUFFIX = ".pt"
"""The ending of model files."""


def shipped_folder() -> Path:
    """Where the shipped models lie: in the installed package, or in the source tree."""
    package = Path(__file__).parent.parent
    installed = package / "_weights"
    return installed if installed.is_dir() else package.parent / "weights"


def user_folder() -> Path:
    """Where `vosctl weights import` puts models: $VOSCTL_WEIGHTS, else the user's data folder."""
    if folder := os.environ.get("VOSCTL_WEIGHTS"):
        return Path(folder)
    return user_data_path("vosctl", appauthor=False) / "weights"


def available() -> Iterator[Path]:
    """The model files that can be named, shipped ones first."""
    for folder in (shipped_folder(), user_folder()):
        if folder.is_dir():
            yield from sorted(folder.glob(f"*{SUFFIX}"))


def is_shipped(name: str) -> bool:
    """Whether a shipped model has this name, and so goes before any other that has it."""
    return (shipped_folder() / f"{name}{SUFFIX}").is_file()


def file_in_folder(folder: str, name: str) -> Path:
    """The one model file of its name below a folder of weights: the user's own, else the shipped one."""
    path = Path(folder) / f"{name}{SUFFIX}"
    own = user_folder() / path
    return own if own.is_file() else shipped_folder() / path


def model_files() -> Iterator[Path]:
    """All model files: those that --model can name, and those of systems that it does not know."""
    yield from available()
    for spec in systems():
        if spec.folder:
            yield from (file_in_folder(spec.folder, one.name) for one in spec.architectures)


def architecture_names() -> tuple[str, ...]:
    """The architectures that --model can name."""
    return tuple(architecture.name for architecture in tracking_architectures())


def aliases() -> dict[str, str]:
    """The papers' words for architectures, and what they stand for."""
    return {one.alias: one.name for one in tracking_architectures() if one.alias}


def known_names() -> list[str]:
    """All names that stand for a model, but for paths."""
    return sorted({*architecture_names(), *aliases(), *(path.stem for path in available())})
