"""Pictures of the first frame and its variations, which D is fitted to first (Figure 6 of FRTM's paper).

One PNG a frame in which objects start: two rows an object, the samples' images and their labels below.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vosctl.arrays import Image as Picture
from vosctl.arrays import Labels
from vosctl.files import atomic_path, make_folder
from vosctl.masks.panel_sheet import panel_sheet
from vosctl.systems.frtm.initial_samples import boxes_of, initial_samples


def write_sample_picture(
    folder: Path, stem: str, rgb: Picture, labels: Labels, count: int, seed: int = 0
) -> Path:
    """Write one frame's picture, folder/stem.png, and give its path.

    Args:
        folder: made where it is missing.
        stem: the file's name without its suffix.
        rgb: the frame, (H, W, 3).
        labels: the label map that was given for it, (H, W).
        count: how many samples there are, the frame itself included.
        seed: of the tracker's settings.

    Raises:
        OutputError: it cannot be written.
    """
    make_folder(folder)
    path = folder / f"{stem}.png"
    with atomic_path(path) as temporary:
        Image.fromarray(sample_picture(rgb, labels, count, seed)).save(temporary, "PNG")
    return path


def sample_picture(rgb: Picture, labels: Labels, count: int, seed: int = 0) -> Picture:
    """Draws the picture (H', W', 3) that `write_sample_picture` writes."""
    image = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1).float() / 255
    rows = []
    for object_id in (int(value) for value in np.unique(labels) if value):
        mask = torch.from_numpy((labels == object_id).astype(np.float32))
        images, masks = initial_samples(image, mask, count, seed + object_id, boxes_of(mask[None])[0])
        names = ["the frame itself", *(f"variation {number}" for number in range(1, count))]
        rows.append(
            [(f"object {object_id}: {name}", _bytes(one)) for name, one in zip(names, images, strict=True)]
        )
        rows.append([("label", _bytes(one.expand(3, -1, -1))) for one in masks])
    return panel_sheet(rows, rgb.shape)


def _bytes(image: torch.Tensor) -> Picture:
    """(3, H, W) in [0, 1] -> (H, W, 3) bytes."""
    found: Picture = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return found
