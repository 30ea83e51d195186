"""Objects in their boxes: what the box network learns from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vosctl.boxes import Box
from vosctl.errors import DatasetError
from vosctl.systems.box.network import cut_square
from vosctl.training.clips import is_left_out, open_sequences
from vosctl.training.pictures import MaskedPhotos, read_image, read_labels
from vosctl.training.sample import VOID, TrainingClip

# An object whose box has a shorter side than this many pixels, or that has fewer pixels than the second, is
# mostly a remnant that something else hides.
_LEAST_SIDE, _LEAST_AREA = 20, 200
# Each edge of a box is moved by up to this share of the box's side: nobody draws them exactly.
_PLAY = 0.06


class BoxedObjects:
    """Single objects of pictures, each cut out with its box as the box network sees it.

    Args:
        pictures: photographs or frames, with their label maps.
    """

    def __init__(self, pictures: Sequence[tuple[Path, Path]]) -> None:
        self.pictures = pictures

    def draw(
        self, rng: np.random.Generator, frames: int, size: tuple[int, int], frame_gap: int = 0
    ) -> TrainingClip:
        """Draw an object, id 1, in a clip of one frame; empty where the picture drawn shows none.

        The square is as large as the box network wants it, whatever is asked for: `frames` must be 1 and
        `size` the network's, as the recipe's check makes sure.
        """
        image_path, labels_path = self.pictures[int(rng.integers(len(self.pictures)))]
        labels = read_labels(labels_path)
        boxes = find_boxes(labels)
        if not boxes:
            return TrainingClip(torch.zeros(1, 3, *size), torch.zeros(1, *size, dtype=torch.uint8))
        object_id = list(boxes)[int(rng.integers(len(boxes)))]
        left, top, right, bottom = boxes[object_id]
        sides = np.array([right - left, bottom - top] * 2)
        box = np.array([left, top, right, bottom]) + rng.uniform(-_PLAY, _PLAY, 4) * sides
        image = cut_square(read_image(image_path), box.tolist())
        is_object, is_void = (
            cut_square((labels == value).float()[None], box.tolist())[0] > 0.5 for value in (object_id, VOID)
        )
        mask = is_object.to(torch.uint8).masked_fill_(is_void, VOID)
        if rng.random() < 0.5:
            image, mask = image.flip(-1), mask.flip(-1)
        return TrainingClip(image[None].clamp(0, 1), mask[None])


def find_pictures(folder: Path, without: tuple[str, ...] = ()) -> list[tuple[Path, Path]]:
    """Photographs or the frames of clips, with their label maps.

    Args:
        folder: of `images` and `masks`, or of clips.
        without: names of photographs or sequences to leave out, as regular expressions that match the whole
            name.

    Raises:
        DatasetError: there are none, or they are broken.
    """
    if (folder / "images").is_dir():
        named = [(image.stem, (image, mask)) for image, mask in MaskedPhotos.find(folder).pairs]
    else:
        named = [
            (sequence.name, pair)
            for sequence in open_sequences(folder)
            for pair in zip(sequence.frames, sequence.labels, strict=True)
        ]
    pictures = [pair for name, pair in named if not is_left_out(name, without)]
    if not pictures:
        raise DatasetError(f"`without` leaves none of the {len(named)} pictures of {folder}")
    return pictures


def find_boxes(labels: Tensor) -> dict[int, Box]:
    """The boxes of the objects in a label map (H, W) uint8, by id; small ones are left out."""
    boxes = {}
    for object_id in (int(i) for i in torch.unique(labels) if i not in (0, VOID)):
        rows, columns = torch.nonzero(labels == object_id, as_tuple=True)
        box = Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        side = min(box.right - box.left, box.bottom - box.top)
        if side >= _LEAST_SIDE and len(rows) >= _LEAST_AREA:
            boxes[object_id] = box
    return boxes
