"""Pictures of what the model of an object makes of a frame: FRTM's coarse scores (Figure 5 of its paper), and
the classes of A-GAME's appearance module (Figure 3 of its own).

One PNG a frame, a row an object: the frame with its mask, then a panel for each map. A-GAME's maps are
posteriors (eq. 7), with a last panel that shows the likeliest class at each place: the object red, hard
background, which is what distracts, green.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vosctl.files import atomic_path, make_folder
from vosctl.masks.panel_sheet import panel_sheet
from vosctl.media.drawing import draw_overlay

Scores = NDArray[np.float32]  # (K, h, w)

_CLASSES = ("background", "object", "hard background", "hard object")
# The colours of the last panel; the object's two classes are red.
_COLOURS = np.array([(40, 44, 60), (220, 40, 40), (40, 180, 70), (250, 140, 60)], np.uint8)


def write_score_picture(
    folder: Path,
    stem: str,
    rgb: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    scores: Mapping[int, Scores],
) -> None:
    """Write one frame's picture, folder/stem.png.

    Args:
        folder: made where it is missing.
        stem: the file's name without its suffix.
        rgb: the frame, (H, W, 3).
        labels: its label map, (H, W).
        scores: by object id, maps of any size that cover the frame: one, the coarse score, or the
            log-likelihoods of two or four classes.

    Raises:
        OutputError: it cannot be written.
    """
    make_folder(folder)
    with atomic_path(folder / f"{stem}.png") as temporary:
        Image.fromarray(score_picture(rgb, labels, scores)).save(temporary, "PNG")


def score_picture(
    rgb: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    scores: Mapping[int, Scores],
    truth: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Draws the picture (H', W', 3) that `write_score_picture` writes, with the annotation if it is given."""
    rows = []
    for object_id, maps in scores.items():
        drawn = draw_overlay(rgb, np.where(labels == object_id, labels, 0).astype(np.uint8))
        wanted = []
        if truth is not None:
            own = np.where(truth == object_id, truth, 0).astype(np.uint8)
            wanted = [("ground truth", draw_overlay(rgb, own))]
        rows.append([(f"object {object_id}", drawn), *wanted, *_panels(maps)])
    return panel_sheet(rows, rgb.shape)


def _panels(maps: Scores) -> list[tuple[str, NDArray[np.uint8]]]:
    """Returns captions and pictures of an object's maps."""
    if len(maps) == 1:
        low, high = float(maps.min()), float(maps.max())
        return [(f"coarse score, {low:.2f} to {high:.2f}, white from 1 on", _grey(maps[0]))]
    odds = np.exp(maps - maps.max(0))
    posteriors = odds / odds.sum(0)
    likeliest = _COLOURS[posteriors.argmax(0)]
    names = _CLASSES[: len(maps)]
    return [
        *((name, _grey(posterior)) for name, posterior in zip(names, posteriors, strict=True)),
        ("likeliest: object red" + (", hard background green" if len(maps) > 2 else ""), likeliest),
    ]


def _grey(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draws values (h, w) as (h, w, 3), 0 black and 1 white."""
    return (values.clip(0, 1) * 255).astype(np.uint8)[..., None].repeat(3, 2)
