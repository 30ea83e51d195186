"""Reading single training pictures and their masks, no larger than they are needed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vosctl.errors import DatasetError
from vosctl.media.broken_files import IMAGE_ERRORS
from vosctl.media.images import open_image

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}


def read_image(path: Path, shortest: int | None = None) -> Tensor:
    """(3, h, w) float32 RGB in [0, 1].

    Args:
        path: a JPEG or PNG.
        shortest: how many pixels of the shorter side are wanted. A JPEG of twice the size or more is then
            decoded at a half, a quarter or an eighth, which costs as much less.

    Raises:
        DatasetError: the file cannot be read.
    """
    try:
        with open_image(path) as picture:
            if shortest is not None:
                factor = shortest / min(picture.size)
                picture.draft("RGB", (round(picture.width * factor), round(picture.height * factor)))
            pixels = np.asarray(picture.convert("RGB"))
    except IMAGE_ERRORS as error:
        raise DatasetError(
            f"{path} cannot be read as a picture ({error}): remove it or fetch it again"
        ) from error
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div_(255)


def read_labels(path: Path) -> Tensor:
    """(h, w) uint8 object ids of a palette or grey PNG, 255 void.

    A grey map of two values, 0 and 255, is one object, as DAVIS 2016 writes it.

    Raises:
        DatasetError: the file cannot be read or holds no ids.
    """
    try:
        with open_image(path) as picture:
            if picture.mode not in ("P", "L", "1"):
                raise DatasetError(
                    f"{path} is a picture of mode {picture.mode}, not a label map (palette or grey)"
                )
            two_values = picture.mode != "P"
            labels = np.array(picture if picture.mode != "1" else picture.convert("L"))
    except IMAGE_ERRORS as error:
        raise DatasetError(f"{path} cannot be read as a label map ({error}): fetch it again") from error
    if two_values and set(np.unique(labels)) <= {0, 255}:
        labels = (labels > 0).astype(np.uint8)
    return torch.from_numpy(labels)


def list_images(folder: Path) -> list[Path]:
    """All pictures under a folder, sorted.

    Raises:
        DatasetError: there are none.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _IMAGE_SUFFIXES)
    if not paths:
        raise DatasetError(f"{folder} holds no pictures (*.jpg, *.jpeg, *.png)")
    return paths


@dataclass(frozen=True)
class MaskedPhotos:
    """Photographs with object masks: `images/<name>.jpg` and `masks/<name>.png` of one folder."""

    pairs: tuple[tuple[Path, Path], ...]

    @classmethod
    def find(cls, folder: Path) -> "MaskedPhotos":
        """List the pairs of a folder.

        Raises:
            DatasetError: a photograph has no mask, or there are none.
        """
        pairs = []
        for image in list_images(folder / "images"):
            mask = folder / "masks" / f"{image.stem}.png"
            if not mask.is_file():
                raise DatasetError(f"{image} has no mask {mask}")
            pairs.append((image, mask))
        return cls(tuple(pairs))

    def draw(self, rng: np.random.Generator, longest: int) -> tuple[Tensor, Tensor]:
        """A photograph (3, h, w) in [0, 1] and its label map (h, w) uint8, the longer side at most
        `longest`.
        """
        image_path, mask_path = self.pairs[int(rng.integers(len(self.pairs)))]
        image, labels = read_image(image_path), read_labels(mask_path)
        if labels.shape != image.shape[1:]:
            raise DatasetError(
                f"{mask_path} is {tuple(labels.shape)}, its photograph {tuple(image.shape[1:])}"
            )
        factor = longest / max(labels.shape)
        if factor < 1:
            size = [max(8, round(side * factor)) for side in labels.shape]
            image = torch.nn.functional.interpolate(
                image[None], size=size, mode="bilinear", align_corners=False, antialias=True
            )[0]
            labels = torch.nn.functional.interpolate(labels[None, None], size=size, mode="nearest-exact")[
                0, 0
            ]
        return image, labels
