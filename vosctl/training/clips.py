"""Real clips with label maps: folders in the DAVIS or YouTube-VOS layout."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vosctl.errors import DatasetError
from vosctl.training import warps
from vosctl.training.order import choose_frames, random_per_frame
from vosctl.training.packed_clips import is_packed, unpack_clips
from vosctl.training.pictures import read_image, read_labels
from vosctl.training.sample import TrainingClip


@dataclass(frozen=True)
class Sequence:
    """The labelled frames of one clip, in order."""

    name: str
    frames: tuple[Path, ...]
    labels: tuple[Path, ...]


def find_sequences(folder: Path) -> list[Sequence]:
    """List the sequences of a data set.

    Understood are `JPEGImages/480p/<name>/*.jpg` with `Annotations/480p/<name>/*.png` (DAVIS; the folder of
    the resolution may be another, or missing as in YouTube-VOS), also one level down in `train`. Frames
    without a label map, most of them in YouTube-VOS, are left out.

    Raises:
        DatasetError: no sequence with two labelled frames or more.
    """
    root = folder / "train" if (folder / "train" / "JPEGImages").is_dir() else folder
    images, annotations = root / "JPEGImages", root / "Annotations"
    if not images.is_dir() or not annotations.is_dir():
        raise DatasetError(
            f"{folder} has no JPEGImages and Annotations folders: expected the layout of DAVIS"
        )
    for resolution in ("480p", "Full-Resolution"):
        if (images / resolution).is_dir() and (annotations / resolution).is_dir():
            images, annotations = images / resolution, annotations / resolution
            break
    sequences = []
    for labels_folder in sorted(p for p in annotations.iterdir() if p.is_dir()):
        pairs = []
        for label in sorted(labels_folder.glob("*.png")):
            frame = images / labels_folder.name / f"{label.stem}.jpg"
            if frame.is_file():
                pairs.append((frame, label))
        if len(pairs) >= 2:
            sequences.append(Sequence(labels_folder.name, *map(tuple, zip(*pairs, strict=True))))
    if not sequences:
        raise DatasetError(f"{folder} holds no sequence with two or more labelled frames")
    return sequences


def open_sequences(path: Path) -> list[Sequence]:
    """The sequences of a folder, packed or not.

    Raises:
        DatasetError: there are none, or they are broken.
    """
    return find_sequences(unpack_clips(path) if is_packed(path) else path)


def is_left_out(name: str, without: tuple[str, ...]) -> bool:
    """Whether one of the regular expressions matches the whole name."""
    return any(re.fullmatch(pattern, name) for pattern in without)


class RealClips:
    """Random frames of real clips, seen through a camera that is held a little differently each time.

    Args:
        sequences: what to draw from, each equally often.
        without: names of sequences to leave out, as regular expressions that match the whole name.
    """

    def __init__(self, sequences: list[Sequence], without: tuple[str, ...] = ()) -> None:
        self.sequences = [s for s in sequences if not is_left_out(s.name, without)]
        if not self.sequences:
            raise DatasetError(f"`without` leaves none of the {len(sequences)} sequences")

    def draw(
        self, rng: np.random.Generator, frames: int, size: tuple[int, int], frame_gap: int = 0
    ) -> TrainingClip:
        """Draw frames of a random clip; see `choose_frames`."""
        sequence = self.sequences[int(rng.integers(len(self.sequences)))]
        chosen = choose_frames(rng, len(sequence.frames), frames, frame_gap)
        zoom = float(np.exp(rng.uniform(0.0, 0.55)))
        flip = -1.0 if rng.random() < 0.5 else 1.0
        aspect = float(np.exp(rng.uniform(-0.12, 0.12)))
        angle = rng.normal(0, 0.05)
        where = rng.uniform(0.0, 1.0, 2)
        hand = random_per_frame(rng, frames, frame_gap, lambda rng: rng.normal(size=4))
        images, maps = [], []
        for index, shake in zip(chosen, hand, strict=True):
            image = read_image(sequence.frames[index], shortest=round(min(size) * min(zoom, 1.2)))
            labels = read_labels(sequence.labels[index])
            height, width = image.shape[1:]
            cover = max(size[0] / height * aspect, size[1] / width / aspect)
            scale = cover * zoom * float(np.exp(0.03 * shake[0]))
            # The middle of the view, anywhere that keeps the view within the picture.
            slack = np.maximum(
                0.0, 1 - np.array([size[1] / width / aspect, size[0] / height * aspect]) / scale
            )
            middle = 0.5 + (where - 0.5) * slack + 0.01 * shake[1:3]
            matrix = warps.affine(
                (float(middle[0]) * width, float(middle[1]) * height),
                (size[1] / 2, size[0] / 2),
                scale=(flip * scale * aspect, scale / aspect),
                angle=angle + 0.02 * shake[3],
            )
            grid = warps.sampling_grid(matrix, (height, width), warps.Window(0, 0, *size))
            images.append(warps.sample(image, grid, "reflection"))
            # The grid is in shares of the picture, so it fits the label map whatever its size.
            maps.append(warps.sample(labels[None].float(), grid, "reflection", "nearest")[0])
        return TrainingClip(torch.stack(images), torch.stack(maps).to(torch.uint8))
