"""Label maps to export, and what reads them back."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vosctl.masks.sources import MaskSource
from vosctl.masks.spec import Format
from vosctl.masks.writer import LabelledFrame
from vosctl.media.clip import ClipInfo

sizes = st.tuples(st.integers(1, 33), st.integers(1, 33))
# Empty frames, frames of one object, and frames in which every pixel is an object of its own.
label_clips = sizes.flatmap(
    lambda size: st.lists(
        arrays(np.uint8, size, elements=st.integers(0, 254))
        | arrays(np.uint8, size, elements=st.sampled_from([0, 0, 1, 7, 254]))
        | st.just(np.zeros(size, np.uint8)),
        min_size=1,
        max_size=4,
    )
)


def info_of(labels: Sequence[np.ndarray], path: Path = Path("clip.mp4")) -> ClipInfo:
    height, width = labels[0].shape
    return ClipInfo(path, width, height, len(labels), Fraction(25), has_audio=False, is_folder=False)


def picture_of(labels: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) without black or repeated pixels."""
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]]
    return np.stack([20 + y * 3 % 200, 30 + x * 5 % 200, 90 + (x + y) % 100], axis=2).astype(np.uint8)


def export(form: Format, path: Path, labels: Sequence[np.ndarray], start: int = 0) -> str | None:
    """Writes the label maps; returns the writer's note."""
    with form.open(path, info_of(labels)) as writer:
        for index, label in enumerate(labels):
            soft = {int(i): (label == i).astype(np.float32) for i in np.unique(label) if i}
            stem, time = f"{index + start:05d}", Fraction(index, 25)
            writer.write(LabelledFrame(label, stem, time, picture_of(label), soft))
    return writer.note


def read_back(path: Path) -> list[np.ndarray]:
    return [frame.labels for frame in MaskSource(path)]
