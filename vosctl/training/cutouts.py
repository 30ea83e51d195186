"""Objects cut out of photographs, and how one is pasted over the frames of a clip."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.training import warps
from vosctl.training.augment import gaussian_blur
from vosctl.training.order import FloatArray, random_per_frame
from vosctl.training.pictures import MaskedPhotos
from vosctl.training.sample import VOID, ClipOptions


class Cutout(NamedTuple):
    """An object without its surroundings."""

    picture: Tensor
    """(4, h, w): RGB in [0, 1] and opacity, cropped to the object."""
    photograph: str
    """Name of the photograph that it is from."""


class Cutouts:
    """Objects cut out of photographs.

    Args:
        folder: of `images` and `masks`.
        side: the range of sizes; see `ClipOptions`. It is drawn log-uniformly.
    """

    def __init__(self, folder: Path, side: tuple[float, float] = ClipOptions.side) -> None:
        self.photos = MaskedPhotos.find(folder)
        self.side = side

    def draw(
        self,
        rng: np.random.Generator,
        size: tuple[int, int],
        largest: float = math.inf,
        like: str = "",
    ) -> Cutout | None:
        """Cut out an object.

        Args:
            rng: the source of all random numbers.
            size: (H, W) of the frame that it is for.
            largest: its side is at most this share of the frame's shorter side, within the range of sizes.
            like: name of a photograph that the object is to look like one of, see `MaskedPhotos.draw`.

        Returns:
            The object, scaled to the size it will have; None from a photograph of tiny objects.
        """
        image, labels, found = self.photos.draw(rng, 2 * max(size), like)
        ids, areas = torch.unique(labels, return_counts=True)
        good = [
            int(i)
            for i, a in zip(ids, areas, strict=True)
            if i not in (0, VOID) and a > 0.01 * labels.numel()
        ]
        if not good:
            return None
        everything = len(good) > 1 and rng.random() < 0.25
        chosen = labels == good[int(rng.integers(len(good)))]
        opacity = ((labels > 0) & (labels != VOID) if everything else chosen).float()[None]
        ys, xs = torch.nonzero(opacity[0], as_tuple=True)
        top, bottom = max(int(ys.min()) - 3, 0), int(ys.max()) + 4
        left, right = max(int(xs.min()) - 3, 0), int(xs.max()) + 4
        cutout = torch.cat([image, opacity])[:, top:bottom, left:right]
        # The mask's rim often holds a little of the old background: shrink, then feather.
        cutout[3:] = gaussian_blur(1 - F.max_pool2d(1 - cutout[3:], 3, 1, 1), 0.8)
        smallest, greatest = self.side
        greatest = max(smallest, min(greatest, largest))
        side = float(np.exp(rng.uniform(np.log(smallest), np.log(greatest)))) * min(size)
        factor = side / float(np.sqrt(cutout.shape[1] * cutout.shape[2]))
        factor = min(factor, 1.2 * min(size[0] / cutout.shape[1], size[1] / cutout.shape[2]))
        shape = [max(6, round(s * factor)) for s in cutout.shape[1:]]
        cutout = F.interpolate(
            cutout[None], size=shape, mode="bilinear", align_corners=False, antialias=factor < 1
        )[0]
        return Cutout(cutout.clamp_(0, 1), found)


def paste(
    cutout: Tensor,
    images: list[Tensor],
    labels: Tensor,
    object_id: int,
    rng: np.random.Generator,
    frame_gap: int = 0,
    way: FloatArray | None = None,
) -> None:
    """Move a cut-out over all frames, in place.

    Args:
        cutout: (4, h, w), RGB and opacity.
        images: T frames (3, H, W) in [0, 1].
        labels: (T, H, W) uint8.
        object_id: what the labels become where the cut-out is.
        rng: the source of all random numbers.
        frame_gap: 0 for frames in random order, else frames in order.
        way: (T, 2), where its centre (x, y) is in each frame, in pixels; None for a random straight way.
    """
    size = (images[0].shape[1], images[0].shape[2])
    height, width = cutout.shape[1:]
    side = float(np.sqrt(height * width))
    cutout = torch.cat([_harmonised(cutout, images[0], float(rng.uniform(0, 0.7))), cutout[3:]])
    if rng.random() < 0.5:  # photographs differ in sharpness
        cutout = gaussian_blur(cutout, rng.uniform(0.4, 1.0))
    cutout[:3] *= cutout[3:]  # opacity multiplied in: no dark rims
    amount = float(rng.choice([0.3, 1.0, 1.8]))
    start = rng.uniform(0.15, 0.85, 2) * (size[1], size[0])
    velocity = amount * rng.normal(0, 0.22, 2) * (size[1], size[0])
    spin, growth = amount * rng.normal(0, 0.35), amount * rng.normal(0, 0.25)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    lean = rng.normal(0, 0.1)
    stretch = float(np.exp(amount * rng.normal(0, 0.06)))
    bend = warps.elastic_fields(rng, len(images), (24, 24), amount * 0.045 * side, 4, frame_gap)
    blurred = rng.random() < 0.35
    light = rng.normal(0, 0.12)
    poses = random_per_frame(rng, len(images), frame_gap, lambda rng: rng.normal(size=8))
    times = clip_times(rng, len(images), frame_gap)
    if way is None:
        way = start + np.outer(times, velocity)
    else:
        velocity = way[-1] - way[0]
    for frame, (time, (own_light, *own)) in enumerate(zip(times, poses, strict=True)):
        pose = amount * np.array(own)
        scale = float(np.exp(time * growth + 0.04 * pose[0]))
        position = way[frame] + 0.02 * pose[1:3] * (size[1], size[0])
        matrix = warps.affine(
            (width / 2, height / 2),
            (float(position[0]), float(position[1])),
            scale=(flip * scale * stretch, scale / stretch),
            angle=lean + time * spin + 0.06 * pose[3],
            shear=0.1 * pose[4],
            perspective=tuple(0.15 * pose[5:] / max(height, width)),
        )
        window = warps.covered_window(matrix, (height, width), size, 4 + round(amount * 0.1 * side))
        if window is None:
            continue
        field = F.interpolate(
            bend[frame][None], size=(window.height, window.width), mode="bilinear", align_corners=True
        )[0]
        layer = warps.sample(cutout, warps.sampling_grid(matrix, (height, width), window, field))
        if blurred:
            layer = warps.motion_blur(layer, (float(velocity[0]) * 0.12, float(velocity[1]) * 0.12))
        gain = float(np.exp(time * light + 0.03 * own_light))
        rows, columns = window.slices
        images[frame][:, rows, columns].mul_(1 - layer[3:]).add_(layer[:3] * gain)
        labels[frame, rows, columns][layer[3] > 0.5] = object_id
    for image in images:
        image.clamp_(0, 1)


def _harmonised(cutout: Tensor, image: Tensor, share: float) -> Tensor:
    """Take a cut-out's colours (3, h, w) part of the way towards the mean and contrast of a picture."""
    colour, opacity = cutout[:3], cutout[3:]
    weight = opacity.sum().clamp_min(1)
    mean = (colour * opacity).sum((1, 2), keepdim=True) / weight
    deviation = (((colour - mean) ** 2 * opacity).sum() / (3 * weight)).sqrt().clamp_min(0.02)
    wanted_mean = image.mean((1, 2), keepdim=True)
    wanted_deviation = (image - wanted_mean).std()
    # The object keeps its own colour to a good part: its mean goes only half as far as its contrast.
    gain = 1 + share * (wanted_deviation / deviation - 1).clamp(-0.4, 0.6)
    return ((colour - mean) * gain + torch.lerp(mean, wanted_mean, 0.5 * share)).clamp(0, 1)


def clip_times(rng: np.random.Generator, frames: int, frame_gap: int) -> list[float]:
    """When each frame is taken, in [-0.5, 1]; the reference at 0, the others before or after it."""
    direction = -0.5 if rng.random() < 0.3 else 1.0
    if frame_gap:
        return [float(t) for t in np.linspace(0, rng.uniform(0.15, 1.0), frames) * direction]
    later = np.sort(rng.uniform(0.15, 1.0, frames - 1)) * direction
    return [0.0, *(float(t) for t in later)]
