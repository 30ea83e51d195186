from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import Command, Result
from tests.small import moving_discs, tiny_backbone_file
from vosctl.media.clip import ClipInfo
from vosctl.media.palette import save_palette_png
from vosctl.media.video_writer import VideoWriter


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_backbone_file(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def vosctl(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, backbone: Path, tmp_path: Path
) -> Command:
    """The command, in an empty folder of its own and with no models of the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VOSCTL_WEIGHTS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "300")
    return Command(capfd, monkeypatch, backbone)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """clip.mp4, 12 frames of two discs, and first.png, their mask."""
    frames, labels = moving_discs(12, objects=2)
    height, width = labels[0].shape
    path = tmp_path / "clip.mp4"
    with VideoWriter(
        path, ClipInfo(path, width, height, 12, None, has_audio=False, is_folder=False)
    ) as video:
        for frame in frames:
            video.write(np.ascontiguousarray(frame))
    save_palette_png(tmp_path / "first.png", labels[0])
    return path


@pytest.fixture
def segment(vosctl: Command) -> Callable[..., Result]:
    """Segments with the smallest settings that still run."""
    return lambda *given: vosctl.tracking("segment", *given, "--max-size", "32", "--variant", "d-only")
