"""Reading single training pictures and their masks, no larger than they are needed."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vosctl.errors import DatasetError
from vosctl.media.broken_files import IMAGE_ERRORS
from vosctl.media.images import open_image
from vosctl.media.limits import check_size

_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
# Pillow knows more formats than these, and hands some of them (EPS, for one) to other programs.
_IMAGE_FORMATS = ("JPEG", "PNG", "WEBP")


def read_image(path: Path, shortest: int | None = None) -> Tensor:
    """(3, h, w) float32 RGB in [0, 1].

    Args:
        path: a JPEG, PNG or WebP file; its content decides, not its name.
        shortest: how many pixels of the shorter side are wanted. A JPEG of twice the size or more is then
            decoded at a half, a quarter or an eighth, which costs as much less.

    Raises:
        DatasetError: the file cannot be read.
        MaskError: it claims more pixels than a frame may have.
    """
    try:
        with open_image(path, _IMAGE_FORMATS) as picture:
            check_size(path, *picture.size)
            if shortest is not None:
                factor = shortest / min(picture.size)
                picture.draft("RGB", (round(picture.width * factor), round(picture.height * factor)))
            pixels = np.asarray(picture.convert("RGB"))
    except IMAGE_ERRORS as error:
        raise DatasetError(
            f"{path} cannot be read as a JPEG, PNG or WebP picture ({error}): remove it or fetch it again"
        ) from error
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div_(255)


def read_labels(path: Path) -> Tensor:
    """(h, w) uint8 object ids of a palette or grey PNG, 255 void.

    A grey map of two values, 0 and 255, is one object, as DAVIS 2016 writes it.

    Raises:
        DatasetError: the file cannot be read or holds no ids.
        MaskError: it claims more pixels than a frame may have.
    """
    try:
        with open_image(path, ("PNG",)) as picture:
            check_size(path, *picture.size)
            if picture.mode not in ("P", "L", "1"):
                raise DatasetError(
                    f"{path} is a picture of mode {picture.mode}, not a label map (palette or grey)"
                )
            two_values = picture.mode != "P"
            labels = np.array(picture if picture.mode != "1" else picture.convert("L"))
    except IMAGE_ERRORS as error:
        raise DatasetError(
            f"{path} cannot be read as a label map, a PNG ({error}): fetch it again"
        ) from error
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
        raise DatasetError(f"{folder} holds no pictures (*.jpg, *.jpeg, *.png, *.webp)")
    return paths


@dataclass(frozen=True)
class MaskedPhotos:
    """Photographs with object masks: `images/<name>.jpg` (or PNG, WebP) and `masks/<name>.png`.

    The class of a photograph is what stands before the first `_` of its name, and the whole name without one.
    """

    pairs: tuple[tuple[Path, Path], ...]

    @cached_property
    def alike(self) -> dict[str, tuple[tuple[Path, Path], ...]]:
        """The pairs of each class and, under its own name, each pair."""
        found: dict[str, list[tuple[Path, Path]]] = {}
        for pair in self.pairs:
            for name in {pair[0].stem, class_of(pair[0].stem)}:
                found.setdefault(name, []).append(pair)
        return {name: tuple(pairs) for name, pairs in found.items()}

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

    def draw(self, rng: np.random.Generator, longest: int, like: str = "") -> tuple[Tensor, Tensor, str]:
        """Draw a photograph.

        Args:
            rng: the source of all random numbers.
            longest: the longer side is scaled down to so many pixels at most.
            like: name of a photograph: draw that one or, as often, any of its class, where they are here;
                empty for any.

        Returns:
            The photograph (3, h, w) in [0, 1], its label map (h, w) uint8, and its name.
        """
        pairs = self.pairs
        if like:
            of_class = self.alike.get(class_of(like), pairs)
            pairs = self.alike.get(like, of_class) if rng.random() < 0.5 else of_class
        image_path, mask_path = pairs[int(rng.integers(len(pairs)))]
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
        return image, labels, image_path.stem


def class_of(name: str) -> str:
    """The class of a photograph, by its name: `cats` of `cats_0001`."""
    return name.partition("_")[0]
