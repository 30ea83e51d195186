"""Training clips made on the fly: one to five cut-out objects on a photograph.

Objects and camera move, as in A-GAME's SynthVOS; objects occlude each other and leave the picture.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vosctl.training import warps
from vosctl.training.cutouts import Cutouts, clip_times, paste
from vosctl.training.order import FloatArray, random_per_frame
from vosctl.training.pictures import list_images, read_image
from vosctl.training.sample import MOST_OBJECTS, ClipOptions, TrainingClip
from vosctl.training.ways import crossing_ways, happens, leaving_way

_DEFAULT = ClipOptions()


class PastedClips:
    """Objects cut out of photographs, moved across other photographs.

    Args:
        objects: a folder of `images` and `masks`.
        backgrounds: a folder of photographs.
        options: what happens in the clips.
    """

    def __init__(self, objects: Path, backgrounds: Path, options: ClipOptions = _DEFAULT) -> None:
        self.options = options
        self.cutouts = Cutouts(objects, options.side)
        self.backgrounds = list_images(backgrounds)

    def draw(
        self, rng: np.random.Generator, frames: int, size: tuple[int, int], frame_gap: int = 0
    ) -> TrainingClip:
        """Draw a clip; ids are 1 to at most 5, a later object in front of an earlier one."""
        if rng.random() < 0.75:
            background = read_image(self.backgrounds[int(rng.integers(len(self.backgrounds)))])
        else:  # a photograph with objects of its own: they are background now, and distract
            background = self.cutouts.photos.draw(rng, 2 * max(size))[0]
        images = _moving_background(background, rng, frames, size, frame_gap)
        labels = torch.zeros(frames, *size, dtype=torch.uint8)
        count = 1 + min(int(rng.geometric(0.45)) - 1, MOST_OBJECTS - 1)
        ways: dict[int, FloatArray] = {}
        if happens(rng, self.options.crossing):
            count = max(count, 2)
            ways[1], ways[2] = crossing_ways(rng, frames, size)
        leaving = int(rng.integers(1, count + 1)) if happens(rng, self.options.leaving) else 0
        first = ""
        previous: Tensor | None = None
        for object_id in range(1, count + 1):
            twin = previous is not None and rng.random() < 0.15
            if twin:
                picture = previous
            else:
                wanted = first if first and happens(rng, self.options.alike) else ""
                cutout = self.cutouts.draw(rng, size, like=wanted)
                picture = cutout.picture if cutout else None
                first = first or (cutout.photograph if cutout else "")
            if picture is None:
                continue
            previous = picture
            way = ways.get(object_id)
            if way is None and object_id == leaving:
                way = leaving_way(rng, frames, size, max(picture.shape[1:]))
            paste(picture.flip(2) if twin else picture, images, labels, object_id, rng, frame_gap, way)
        return TrainingClip(torch.stack(images), labels, first)


def _moving_background(
    picture: Tensor, rng: np.random.Generator, frames: int, size: tuple[int, int], frame_gap: int
) -> list[Tensor]:
    """A camera that pans, turns and zooms over a photograph; T tensors (3, H, W)."""
    height, width = picture.shape[1:]
    cover = max(size[0] / height, size[1] / width) * float(np.exp(rng.uniform(0.05, 0.6)))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    amount = float(rng.choice([0.2, 1.0, 2.0]))
    slack = (max(0.0, width - size[1] / cover) / 2, max(0.0, height - size[0] / cover) / 2)
    start = rng.uniform(-1, 1, 2) * slack
    velocity = amount * rng.normal(0, 0.04, 2) * (width, height)
    bend = warps.elastic_fields(rng, frames, size, amount * 0.006 * min(size), 5, frame_gap)
    poses = random_per_frame(rng, frames, frame_gap, lambda rng: amount * rng.normal(size=4))
    images = []
    for frame, (time, pose) in enumerate(zip(clip_times(rng, frames, frame_gap), poses, strict=True)):
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
