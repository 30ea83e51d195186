"""Training clips made on the fly: an object that moves within its own photograph.

The picture around it gives way, so there is no seam to find and the surroundings fit.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.training import warps
from vosctl.training.augment import gaussian_blur
from vosctl.training.cutouts import Cutouts, paste
from vosctl.training.order import random_per_frame
from vosctl.training.sample import MOST_OBJECTS, VOID, ClipOptions, TrainingClip
from vosctl.training.ways import happens, leaving_way, meeting_frame, way_past

_DEFAULT = ClipOptions()


class StillClips:
    """An object that moves within its own photograph.

    Args:
        objects: a folder of `images` and `masks`.
        options: what happens in the clips.
    """

    def __init__(self, objects: Path, options: ClipOptions = _DEFAULT) -> None:
        self.options = options
        self.cutouts = Cutouts(objects, options.side)

    def draw(
        self, rng: np.random.Generator, frames: int, size: tuple[int, int], frame_gap: int = 0
    ) -> TrainingClip:
        """Draw a clip; ids are the photograph's, the largest first, at most five."""
        image, labels, photograph = self.cutouts.photos.draw(rng, 2 * max(size))
        labels = _renumber(labels)
        height, width = labels.shape
        cover = max(size[0] / height, size[1] / width)
        zoom = cover * float(np.exp(rng.uniform(0.0, 0.45)))
        aspect = float(np.exp(rng.uniform(-0.15, 0.15)))
        flip = -1.0 if rng.random() < 0.5 else 1.0
        focus = _focus(labels, rng)
        near = F.interpolate(
            ((labels > 0) & (labels != VOID)).float()[None, None], size=(24, 42), mode="area"
        )  # where the object's own motion applies, smooth enough for the surroundings to give way
        near = gaussian_blur(F.max_pool2d(near, 3, 1, 1)[0], 2.0)
        picture = torch.cat([image, near.new_zeros(1, height, width)])
        picture[3] = F.interpolate(near[None], size=(height, width), mode="bilinear", align_corners=False)[
            0, 0
        ]
        amount = float(rng.choice([0.4, 1.0, 1.6]))
        cells = int(rng.integers(4, 9))
        bend = warps.elastic_fields(rng, frames, size, amount * 0.012 * min(size), cells, frame_gap)
        places = random_per_frame(rng, frames, frame_gap, lambda rng: rng.uniform(0.35, 0.65, 2))
        poses = random_per_frame(rng, frames, frame_gap, lambda rng: amount * rng.normal(size=12))
        window = warps.Window(0, 0, *size)
        images, maps = [], []
        for frame, (place, pose) in enumerate(zip(places, poses, strict=True)):
            scale = zoom * float(np.exp(0.06 * pose[0]))
            matrix = warps.affine(
                focus,
                (size[1] * place[0], size[0] * place[1]),
                scale=(flip * scale * aspect, scale / aspect),
                angle=0.09 * pose[1],
                shear=0.05 * pose[2],
                perspective=tuple(0.12 * pose[3:5] / max(size)),
            )
            grid = warps.sampling_grid(matrix, (height, width), window, bend[frame])
            # The object's own motion: a turn and stretch around its centre, faded out around it.
            weight = warps.sample(picture[3:], grid, "border")[0]  # (H, W)
            centre = torch.tensor([2 * focus[0] / width - 1, 2 * focus[1] / height - 1])
            own = np.eye(2) * np.exp(0.12 * pose[5]) + 0.12 * pose[6:10].reshape(2, 2)
            shift = torch.from_numpy(0.08 * pose[10:12]).float()
            moved = (grid - centre) @ torch.from_numpy(own).float().T + centre + shift
            grid = torch.lerp(grid, moved, weight[..., None])
            frame_image = warps.sample(image, grid, "reflection")
            if rng.random() < 0.2:
                velocity = rng.normal(0, amount * 0.015 * max(size), 2)
                frame_image = warps.motion_blur(frame_image, (float(velocity[0]), float(velocity[1])))
            images.append(frame_image)
            maps.append(warps.sample(labels[None].float(), grid, "reflection", "nearest")[0])
        maps_of_ids = torch.stack(maps).to(torch.uint8)
        self._add_visitor(images, maps_of_ids, photograph, rng, frame_gap)
        return TrainingClip(torch.stack(images).clamp(0, 1), maps_of_ids, photograph)

    def _add_visitor(
        self,
        images: list[Tensor],
        labels: Tensor,
        photograph: str,
        rng: np.random.Generator,
        frame_gap: int,
    ) -> None:
        """Paste one more object that looks alike, in place; it crosses another, or leaves and comes back."""
        crosses, leaves = happens(rng, self.options.crossing), happens(rng, self.options.leaving)
        if not (crosses or leaves):
            return
        size = (images[0].shape[1], images[0].shape[2])
        new_id = 1 + max((int(i) for i in torch.unique(labels) if i != VOID), default=0)
        cutout = self.cutouts.draw(rng, size, largest=0.5, like=photograph)
        if cutout is None or new_id > MOST_OBJECTS:
            return
        if crosses:
            when = meeting_frame(rng, len(images))
            way = way_past(rng, len(images), size, np.array(_focus(labels[when], rng)), when)
        else:
            way = leaving_way(rng, len(images), size, max(cutout.picture.shape[1:]))
        paste(cutout.picture, images, labels, new_id, rng, frame_gap, way)


def _renumber(labels: Tensor) -> Tensor:
    """Keep the five largest objects, ids 1.. in order of size; what is smaller than 1 % becomes void."""
    ids, areas = torch.unique(labels, return_counts=True)
    found = sorted(
        ((int(area), int(i)) for i, area in zip(ids, areas, strict=True) if i not in (0, VOID)), reverse=True
    )
    table = torch.arange(256, dtype=torch.uint8)
    for rank, (area, i) in enumerate(found):
        table[i] = rank + 1 if rank < MOST_OBJECTS and (rank == 0 or area > 0.01 * labels.numel()) else VOID
    return table[labels.long()]


def _focus(labels: Tensor, rng: np.random.Generator) -> tuple[float, float]:
    """The centre (x, y) of a random object, in pixels."""
    ids = [int(i) for i in torch.unique(labels) if i not in (0, VOID)]
    if not ids:
        return labels.shape[1] / 2, labels.shape[0] / 2
    ys, xs = torch.nonzero(labels == ids[int(rng.integers(len(ids)))], as_tuple=True)
    return float(xs.float().mean()) + 0.5, float(ys.float().mean()) + 0.5
