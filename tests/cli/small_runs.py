"""Clips and results of runs, smaller than other tests': there are many runs."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.small import moving_discs
from vosctl.media.clip import ClipInfo
from vosctl.media.palette import save_palette_png
from vosctl.media.video_writer import VideoWriter

SIZE = (96, 64)  # (width, height)


def discs(frames: int = 12, objects: int = 2) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Pictures and their labels."""
    return moving_discs(frames, SIZE, objects=objects, radius=12)


def results_in(folder: Path) -> dict[str, bytes]:
    """All that a run is for, its own files left aside."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".vosctl" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def labels_in(folder: Path) -> list[np.ndarray]:
    """All label maps, in order."""
    return [np.array(Image.open(path)) for path in sorted(folder.glob("*.png"))]


def write_clip(path: Path, frames: list[np.ndarray]) -> Path:
    """A video of pictures."""
    height, width = frames[0].shape[:2]
    with VideoWriter(
        path, ClipInfo(path, width, height, None, None, has_audio=False, is_folder=False)
    ) as video:
        for frame in frames:
            video.write(np.ascontiguousarray(frame))
    return path


def write_clip_and_mask(folder: Path) -> Path:
    """clip.mp4, 12 frames of two discs, and first.png, their mask."""
    frames, labels = discs()
    save_palette_png(folder / "first.png", labels[0])
    return write_clip(folder / "clip.mp4", frames)
