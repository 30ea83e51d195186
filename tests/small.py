"""Small clips and models that tests share."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vosctl.systems.agame.model import AGAMEModel
from vosctl.systems.agame.network import AGAME, AGAMEOptions
from vosctl.systems.backbone import ResNet
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.refinement_fused import FusedRefinementNetwork
from vosctl.systems.frtm.target_model import FitSchedule

COLOURS = ((220, 40, 40), (40, 200, 60), (60, 80, 230), (230, 210, 40), (200, 60, 200), (50, 210, 210))


def moving_discs(
    frames: int = 12, size: tuple[int, int] = (160, 96), objects: int = 1, radius: int = 18
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """Discs of different colours that drift over gray noise: pictures (H, W, 3) and labels (H, W)."""
    width, height = size
    generator = np.random.default_rng(0)
    ground = generator.integers(90, 130, (height, width, 1), np.uint8).repeat(3, 2)
    y, x = np.mgrid[:height, :width]
    pictures, labels = [], []
    for index in range(frames):
        picture, label = ground.copy(), np.zeros((height, width), np.uint8)
        for number in range(objects):
            centre_x = (number + 0.5) * width / objects + 1.5 * index - frames * 0.75
            centre_y = height / 2 + (number % 3 - 1) * height / 5
            inside = (x - centre_x) ** 2 + (y - centre_y) ** 2 <= radius**2
            picture[inside] = COLOURS[number % len(COLOURS)]
            picture[inside] -= ((x + y)[inside] % 16).astype(np.uint8)[:, None]
            label[inside] = number + 1
        pictures.append(picture)
        labels.append(label)
    return pictures, labels


def tiny_backbone(stages: int = 3) -> ResNet:
    """An untrained ResNet-18: its random features tell colours apart."""
    torch.manual_seed(0)
    return ResNet("resnet18", 4 if stages == 4 else 3)


def tiny_model(refined: bool = False, prior: bool = False, matching: bool = False) -> FRTMModel:
    """A model of random weights, ready on the CPU in float32.

    Random features make the fit so badly conditioned that after more steps rounding alone would decide.
    """
    backbone = tiny_backbone(4 if refined else 3)
    network = FusedRefinementNetwork(backbone.channels, prior, matching=matching) if refined else None
    schedule = FitSchedule(first_frame=(5, 10, 10, 10), update=5)
    model = FRTMModel("tiny", backbone, network, schedule, source="random")
    return model.prepare(torch.device("cpu"), torch.float32)


def tiny_agame(**options: bool) -> AGAMEModel:
    """A-GAME of random weights, ready on the CPU in float32."""
    torch.manual_seed(0)
    backbone = ResNet("resnet18", dilated_layer4=True)
    network = AGAME(backbone.channels, AGAMEOptions(width=16, encoding=8, **options))
    return AGAMEModel("tiny", backbone, network).prepare(torch.device("cpu"), torch.float32)


def tiny_backbone_file(folder: Path) -> Path:
    """A file for --backbone-weights."""
    path = folder / "backbone.pth"
    torch.save(tiny_backbone().state_dict(), path)
    return path


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0
