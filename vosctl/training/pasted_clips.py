"""Training clips made on the fly: one to five cut-out objects on a photograph.

Objects and camera move, as in A-GAME's SynthVOS; objects occlude each other and leave the picture.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.training import warps
from vosctl.training.augment import gaussian_blur
from vosctl.training.order import random_per_frame
from vosctl.training.pictures import MaskedPhotos, list_images, read_image
from vosctl.training.sample import MOST_OBJECTS, VOID, TrainingClip

# A pasted object's side (geometric mean of both) as a share of the frame's shorter side, drawn log-uniformly.
_OBJECT_SIDE = (0.16, 0.85)


class Cutouts:
    """Objects cut out of photographs.

    Args:
        folder: of `images` and `masks`.
    """

    def __init__(self, folder: Path) -> None:
        self.photos = MaskedPhotos.find(folder)

    def draw(
        self, rng: np.random.Generator, size: tuple[int, int], largest: float = _OBJECT_SIDE[1]
    ) -> Tensor | None:
        """Cut out an object.

        Args:
            rng: the source of all random numbers.
            size: (H, W) of the frame that it is for.
            largest: its side is at most this share of the frame's shorter side.

        Returns:
            (4, h, w): RGB in [0, 1] and opacity, cropped to the object and scaled to the size it will have;
            None from a photograph of tiny objects.
        """
        image, labels = self.photos.draw(rng, 2 * max(size))
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
        side = float(np.exp(rng.uniform(np.log(_OBJECT_SIDE[0]), np.log(largest)))) * min(size)
        factor = side / float(np.sqrt(cutout.shape[1] * cutout.shape[2]))
        factor = min(factor, 1.2 * min(size[0] / cutout.shape[1], size[1] / cutout.shape[2]))
        shape = [max(6, round(s * factor)) for s in cutout.shape[1:]]
        cutout = F.interpolate(
            cutout[None], size=shape, mode="bilinear", align_corners=False, antialias=factor < 1
        )[0]
        return cutout.clamp_(0, 1)


class PastedClips:
    """Objects cut out of photographs, moved across other photographs.

    Args:
        objects: a folder of `images` and `masks`.
        backgrounds: a folder of photographs.
    """

    def __init__(self, objects: Path, backgrounds: Path) -> None:
        self.cutouts = Cutouts(objects)
        self.backgrounds = list_images(backgrounds)

    def draw(
        self, rng: np.random.Generator, frames: int, size: tuple[int, int], step: int = 0
    ) -> TrainingClip:
        """Draw a clip; ids are 1 to at most 5, a later object in front of an earlier one."""
        if rng.random() < 0.75:
            background = read_image(self.backgrounds[int(rng.integers(len(self.backgrounds)))])
        else:  # a photograph with objects of its own: they are background now, and distract
            background = self.cutouts.photos.draw(rng, 2 * max(size))[0]
        images = _moving_background(background, rng, frames, size, step)
        labels = torch.zeros(frames, *size, dtype=torch.uint8)
        count = 1 + min(int(rng.geometric(0.45)) - 1, MOST_OBJECTS - 1)
        previous: Tensor | None = None
        for object_id in range(1, count + 1):
            twin = previous is not None and rng.random() < 0.15
            cutout = previous if twin else self.cutouts.draw(rng, size)
            if cutout is None:
                continue
            previous = cutout
            paste(cutout.flip(2) if twin else cutout, images, labels, object_id, rng, step)
        return TrainingClip(torch.stack(images), labels)


def _moving_background(
    picture: Tensor, rng: np.random.Generator, frames: int, size: tuple[int, int], step: int
) -> list[Tensor]:
    """A camera that pans, turns and zooms over a photograph; T tensors (3, H, W)."""
    height, width = picture.shape[1:]
    cover = max(size[0] / height, size[1] / width) * float(np.exp(rng.uniform(0.05, 0.6)))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    amount = float(rng.choice([0.2, 1.0, 2.0]))
    slack = (max(0.0, width - size[1] / cover) / 2, max(0.0, height - size[0] / cover) / 2)
    start = rng.uniform(-1, 1, 2) * slack
    velocity = amount * rng.normal(0, 0.04, 2) * (width, height)
    bend = warps.elastic_fields(rng, frames, size, amount * 0.006 * min(size), 5, step)
    poses = random_per_frame(rng, frames, step, lambda rng: amount * rng.normal(size=4))
    images = []
    for frame, (time, pose) in enumerate(zip(_times(rng, frames, step), poses, strict=True)):
        look = np.clip(start + time * velocity, -np.asarray(slack) - 2, np.asarray(slack) + 2)
        scale = cover * float(np.exp(0.03 * pose[0]))
        matrix = warps.affine(
            (width / 2 + float(look[0]), height / 2 + float(look[1])),
            (size[1] / 2, size[0] / 2),
            scale=(flip * scale, scale),
            angle=0.04 * pose[1],
            perspective=tuple(0.06 * pose[2:] / max(size)),
        )
        grid = warps.sampling_grid(matrix, (height, width), warps.Window(0, 0, *size), bend[frame])
        image = warps.sample(picture, grid, "reflection")
        if rng.random() < 0.25:
            blur = amount * rng.normal(0, 0.015, 2) * max(size)
            image = warps.motion_blur(image, (float(blur[0]), float(blur[1])))
        images.append(image)
    return images


def paste(
    cutout: Tensor,
    images: list[Tensor],
    labels: Tensor,
    object_id: int,
    rng: np.random.Generator,
    step: int = 0,
) -> None:
    """Move a cut-out over all frames, in place.

    Args:
        cutout: (4, h, w), RGB and opacity.
        images: T frames (3, H, W) in [0, 1].
        labels: (T, H, W) uint8.
        object_id: what the labels become where the cut-out is.
        rng: the source of all random numbers.
        step: 0 for frames in random order, else frames in order.
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
    bend = warps.elastic_fields(rng, len(images), (24, 24), amount * 0.045 * side, 4, step)
    blurred = rng.random() < 0.35
    light = rng.normal(0, 0.12)
    poses = random_per_frame(rng, len(images), step, lambda rng: rng.normal(size=8))
    times = _times(rng, len(images), step)
    for frame, (time, (own_light, *own)) in enumerate(zip(times, poses, strict=True)):
        pose = amount * np.array(own)
        scale = float(np.exp(time * growth + 0.04 * pose[0]))
        position = start + time * velocity + 0.02 * pose[1:3] * (size[1], size[0])
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


def _times(rng: np.random.Generator, frames: int, step: int) -> list[float]:
    """When each frame is taken, in [-0.5, 1]; the reference at 0, the others before or after it."""
    direction = -0.5 if rng.random() < 0.3 else 1.0
    if step:
        return [float(t) for t in np.linspace(0, rng.uniform(0.15, 1.0), frames) * direction]
    later = np.sort(rng.uniform(0.15, 1.0, frames - 1)) * direction
    return [0.0, *(float(t) for t in later)]
