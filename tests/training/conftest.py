from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.small import moving_discs

RECIPE = """
seed = 3
precision = "float32"
merge = 0.5
workers = 0
checkpoint_every = 1000
log_every = 1

[[sources]]
kind = "pasted"
data = "objects"
backgrounds = "photos"

[[stages]]
steps = {steps}
batch = 2
size = [64, 96]
objects = 2
several = 0.5

[target]
schedule = [3, 3]
drift = 0.5
degrade = 0.5

[loss]
iou = 0.5

[optimizer]
learning_rate = 2e-3
layer4_rate = {rate}
backbone_rate = {rate}
stem_every = 2
warmup = 5
freeze_statistics = 0.5
"""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Such small pictures are not worth a second thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def blob(rng: np.random.Generator, size: int) -> np.ndarray:
    """A filled ellipse somewhere in the middle: (size, size) bool."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    cx, cy = rng.uniform(-0.1, 0.1, 2)
    a, b = rng.uniform(0.2, 0.35, 2)
    return ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 < 1


def textured(rng: np.random.Generator, shape: tuple[int, int], bright: bool = False) -> np.ndarray:
    """A picture of one dark or bright colour with coarse noise: (h, w, 3) uint8."""
    colour = rng.uniform(150, 230, 3) if bright else rng.uniform(20, 110, 3)
    coarse = rng.normal(0, 18, (shape[0] // 8 + 1, shape[1] // 8 + 1, 3)).repeat(8, 0).repeat(8, 1)
    return (colour + coarse[: shape[0], : shape[1]]).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`objects`: 6 photographs with masks, one with a void rim; `photos`: 4; `clips`: two in DAVIS's
    layout."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for folder in ("objects/images", "objects/masks", "photos"):
        (root / folder).mkdir(parents=True)
    for index in range(6):
        mask = blob(rng, 96)
        picture = np.where(mask[..., None], textured(rng, (96, 96), bright=True), textured(rng, (96, 96)))
        labels = mask.astype(np.uint8)
        if index == 0:
            labels[mask & ~np.roll(mask, 3, 0)] = 255
        Image.fromarray(picture).save(root / f"objects/images/{index}.jpg", quality=95)
        Image.fromarray(labels).save(root / f"objects/masks/{index}.png")
    for index in range(4):
        Image.fromarray(textured(rng, (80, 120))).save(root / f"photos/{index}.jpg")
    for name, objects in (("one", 1), ("two", 2)):
        frames, labels_of = moving_discs(8, objects=objects)
        for folder in ("JPEGImages", "Annotations"):
            (root / "clips" / folder / "480p" / name).mkdir(parents=True)
        for index, (frame, labels) in enumerate(zip(frames, labels_of, strict=True)):
            Image.fromarray(frame).save(root / f"clips/JPEGImages/480p/{name}/{index:05d}.jpg", quality=95)
            Image.fromarray(labels).save(root / f"clips/Annotations/480p/{name}/{index:05d}.png")
    return {name: root / name for name in ("objects", "photos", "clips")}


@pytest.fixture(scope="session")
def two_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs `red_1` to `red_3` and `blue_1` to `blue_3`: an object of that colour on black."""
    root = tmp_path_factory.mktemp("classes")
    rng = np.random.default_rng(1)
    for folder in ("images", "masks"):
        (root / folder).mkdir()
    for name, colour in (("red", (230, 20, 20)), ("blue", (20, 20, 230))):
        for index in range(1, 4):
            mask = blob(rng, 96)
            picture = np.where(mask[..., None], np.array(colour, np.uint8), np.uint8(0))
            Image.fromarray(picture).save(root / f"images/{name}_{index}.webp", lossless=True)
            Image.fromarray(mask.astype(np.uint8)).save(root / f"masks/{name}_{index}.png")
    return root


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    """A recipe of 4 steps on pasted clips that trains S alone."""
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.format(steps=4, rate=0.0))
    return path


@pytest.fixture
def whole_recipe_file(tmp_path: Path) -> Path:
    """The same, but the backbone learns too, and S sees the prior."""
    path = tmp_path / "whole.toml"
    path.write_text(RECIPE.format(steps=4, rate=0.1) + "\n[model]\nprior = true\n")
    return path
