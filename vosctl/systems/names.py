"""The names of models, and where their files lie; without torch, so that shells complete them at once."""

import os
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_data_path

ARCHITECTURE_NAMES = ("frtm-rn18", "frtm-rn50", "frtm-rn101", "agame-rn18", "agame-rn101")
ALIASES = {"ours-fast": "frtm-rn18", "ours": "frtm-rn101"}
"""The FRTM paper's words for two of them."""
DEFAULT = "frtm-rn18"
BOX_NETWORK = "box-rn18"
"""The architecture of what finds an object in its box; no tracker, so no name for --model."""
SUFFIX = ".pt"
"""Of model files."""


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


def box_network_file() -> Path:
    """The box network: `box/box-rn18.pt` of the user's folder, else the shipped one."""
    name = Path("box") / f"{BOX_NETWORK}{SUFFIX}"
    own = user_folder() / name
    return own if own.is_file() else shipped_folder() / name


def model_files() -> Iterator[Path]:
    """All model files: those that --model can name, and the box network's."""
    yield from available()
    yield box_network_file()


def known_names() -> list[str]:
    """All names that stand for a model, but for paths."""
    return sorted({*ARCHITECTURE_NAMES, *ALIASES, *(path.stem for path in available())})
