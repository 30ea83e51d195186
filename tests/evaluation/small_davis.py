"""Small data sets in the official layouts: a disk, or several, on a noisy ground."""

import json

import numpy as np
from PIL import Image

SIZE = (48, 64)  # H, W


def disk(y, x, radius, size=SIZE):
    rows, columns = np.ogrid[: size[0], : size[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def moving_objects(frames, ids=(1, 2)):
    """Label maps (H, W) in which each id's disk moves right by a pixel a frame."""
    maps = []
    for index in range(frames):
        labels = np.zeros(SIZE, np.uint8)
        for place, object_id in enumerate(ids):
            labels[disk(12 + 20 * place, 12 + index, 7)] = object_id
        maps.append(labels)
    return maps


def save_labels(path, labels, palette=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels)
    if palette:
        image.putpalette(bytes(range(256)) * 3)
    image.save(path)


def save_frames(folder, label_maps, stems):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for stem, labels in zip(stems, label_maps, strict=True):
        rgb = random.integers(40, 80, (*labels.shape, 3), dtype=np.uint8)
        rgb[..., 0] += labels % 8 * 20
        Image.fromarray(rgb).save(folder / f"{stem}.jpg")


def stems_of(count, step=1):
    return [f"{index * step:05d}" for index in range(count)]


def save_davis(root, sequences, palette=True):
    """`sequences`: label maps by name; written as ROOT/{JPEGImages,Annotations}/480p/NAME."""
    for name, maps in sequences.items():
        save_frames(root / "JPEGImages" / "480p" / name, maps, stems_of(len(maps)))
        save_predictions(root / "Annotations" / "480p" / name, maps, palette)
    return root


def save_predictions(folder, maps, palette=True):
    for stem, labels in zip(stems_of(len(maps)), maps, strict=True):
        save_labels(folder / f"{stem}.png", labels, palette)
    return folder


def save_youtube(root, split="valid", all_annotated=False):
    """One video of 5 frames, 5 apart: object 1 from the first frame, object 2 from the third."""
    stems = stems_of(5, step=5)
    maps = moving_objects(5)
    for labels in maps[:2]:
        labels[labels == 2] = 0
    save_frames(root / split / "JPEGImages" / "v1", maps, stems)
    for index, (stem, labels) in enumerate(zip(stems, maps, strict=True)):
        if all_annotated or index in (0, 2):
            save_labels(root / split / "Annotations" / "v1" / f"{stem}.png", labels)
    objects = {"1": {"category": "ape", "frames": stems}, "2": {"category": "cat", "frames": stems[2:]}}
    (root / split / "meta.json").write_text(json.dumps({"videos": {"v1": {"objects": objects}}}))
    return root


class Counted:
    """Progress that remembers what it was told."""

    def __init__(self):
        self.phases, self.frames = [], 0

    def phase(self, label, frames):
        self.phases.append((label, frames))

    def advance(self, frames):
        self.frames += frames
