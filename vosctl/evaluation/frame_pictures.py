"""The best and the worst frame of a sequence as pictures: the prediction beside the annotation."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vosctl.evaluation.datasets import Sequence
from vosctl.evaluation.ground_truth import read_ground_truth
from vosctl.evaluation.results import SequenceResult
from vosctl.media.drawing import draw_overlay
from vosctl.media.images import read_rgb

_WIDTH = 400  # pixels of each half; the page holds many
_JPEG_QUALITY = 80


@dataclass(frozen=True)
class FramePicture:
    """One frame of a sequence, drawn."""

    title: str
    """`best` or `worst`."""
    stem: str
    """The frame's stem."""
    j: float
    """The mean over the objects that count in this frame."""
    f: float
    """The mean over the objects that count in this frame."""
    data_uri: str
    """A JPEG: prediction on the left, annotation on the right."""

    @property
    def caption(self) -> str:
        """What the picture shows, in one line."""
        return f"{self.title} frame: {self.stem}, J {self.j:.3f}, F {self.f:.3f}"


def extreme_frames(sequence: Sequence, masks: Path, result: SequenceResult) -> tuple[FramePicture, ...]:
    """The frames with the lowest and the highest mean of J and F over the objects.

    Args:
        sequence: its frames and annotations.
        masks: the folder of its masks.
        result: its scores, at least of one object.

    Raises:
        ClipError: a frame cannot be read.
    """
    truth = read_ground_truth(sequence)
    means = _frame_means(result)
    by_mean = sorted(means, key=lambda stem: sum(means[stem]))
    pictures = []
    for title, stem in (("worst", by_mean[0]), ("best", by_mean[-1])):
        rgb = read_rgb(next(path for path in sequence.frames if path.stem == stem))
        annotation = truth.labels(next(path for path in sequence.annotations if path.stem == stem))
        prediction = truth.prediction(masks / f"{stem}.png", annotation.shape)
        if rgb.shape[:2] != annotation.shape:
            size = annotation.shape[1], annotation.shape[0]
            rgb = np.asarray(Image.fromarray(rgb).resize(size))
        halves = [_shrunk(draw_overlay(rgb, labels)) for labels in (prediction, annotation)]
        pictures.append(FramePicture(title, stem, *means[stem], _data_uri(np.hstack(halves))))
    return tuple(pictures)


def _frame_means(result: SequenceResult) -> dict[str, tuple[float, float]]:
    """Mean J and F over the objects that count, by frame."""
    values: dict[str, list[tuple[float, float]]] = {}
    for one in result.objects:
        for stem, j, f in zip(one.frames, one.j_values, one.f_values, strict=True):
            values.setdefault(stem, []).append((j, f))
    return {
        stem: (sum(j for j, _ in pairs) / len(pairs), sum(f for _, f in pairs) / len(pairs))
        for stem, pairs in values.items()
    }


def _shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    if width <= _WIDTH:
        return picture
    size = (_WIDTH, max(1, round(height * _WIDTH / width)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _data_uri(picture: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
