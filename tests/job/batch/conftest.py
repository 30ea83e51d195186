from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.small import moving_discs, tiny_backbone_file
from vosctl.job.request import MaskAt, Request
from vosctl.media.clip import ClipInfo
from vosctl.media.palette import save_palette_png
from vosctl.media.video_writer import VideoWriter
from vosctl.systems.choice import ModelChoice
from vosctl.systems.settings import TrackerSettings


@pytest.fixture(scope="session")
def choice(tmp_path_factory: pytest.TempPathFactory) -> ModelChoice:
    backbone = tiny_backbone_file(tmp_path_factory.mktemp("weights"))
    return ModelChoice(backbone_weights=backbone, precision="fp32")


@pytest.fixture
def make_request(tmp_path: Path, choice: ModelChoice) -> Callable[..., Request]:
    """Makes a clip with its mask, and the request to segment it."""

    def make(name: str, frames: int = 12, size: tuple[int, int] = (160, 96)) -> Request:
        pictures, labels = moving_discs(12, size)  # to and fro
        clip, mask = tmp_path / f"{name}.mp4", tmp_path / f"{name}.png"
        info = ClipInfo(clip, *size, frames, None, has_audio=False, is_folder=False)
        with VideoWriter(clip, info) as video:
            for index in range(frames):
                video.write(np.ascontiguousarray(pictures[min(index % 22, 22 - index % 22)]))
        save_palette_png(mask, labels[0])
        settings = TrackerSettings(initial_samples=1)
        return Request(clip, (MaskAt(0, mask),), tmp_path / "out" / name, choice, settings)

    return make
