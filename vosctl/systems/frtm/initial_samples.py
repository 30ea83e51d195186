"""The first frame's samples: the frame itself and variations of it (FRTM section 3.1; supplement, 6).

The object is cut out, the hole is filled, and the object is pasted back turned, scaled, mirrored, skewed or
blurred at another place. All of it with torch, on the frame's device.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.boxes import Box
from vosctl.compute.devices import upload
from vosctl.compute.two_threads import in_halves

_HOLE_MARGIN = 9  # pixels by which the hole is larger than the object, so that none of its edge stays behind
_FEATHER_SIGMA = 1.0  # pixels


def boxes_of(masks: Tensor) -> list[Box | None]:
    """The boxes around objects, None where there is nothing; the host waits for them, once for all.

    Args:
        masks: (O, H, W) of 0 and 1.
    """
    sides = []
    for dim in (2, 1):
        filled = masks.amax(dim)  # (O, H), then (O, W)
        sides += [filled.argmax(1), filled.shape[1] - filled.flip(1).argmax(1)]
    found = torch.stack([masks.amax((1, 2)).long(), *sides], 1).tolist()
    return [Box(left, top, right, bottom) if some else None for some, top, bottom, left, right in found]


def initial_samples(
    image: Tensor, mask: Tensor, count: int, seed: int, box: Box | None
) -> tuple[list[Tensor], Tensor]:
    """The frame and count-1 variations of it.

    Args:
        image: (3, H, W) in [0, 1].
        mask: (H, W), 1 on the object, 0 off it.
        count: K, at least 1.
        seed: of the variations.
        box: around the object; None where the mask is empty: then they are the frame itself.

    Returns:
        K images (3, H, W) in [0, 1] and their labels (K, H, W) of 0 and 1, the unmodified frame first.
    """
    if count == 1 or box is None:
        return [image] * count, mask.expand(count, -1, -1)
    images, labels = [image], [mask]
    generator = torch.Generator().manual_seed(seed)
    background = fill_hole(image, mask)
    alpha = _blur(mask[None], _FEATHER_SIGMA) * mask  # feathered inwards: no rim of the old background
    layers = torch.cat([image * alpha, alpha, mask[None]])[None]  # premultiplied, so that edges stay clean
    size = image.shape[-2:]
    variations = [_vary(box, size, (place, count - 1), generator) for place in range(count - 1)]

    def paste(some: slice) -> list[tuple[Tensor, Tensor]]:
        return [_paste(layers, background, variation) for variation in variations[some]]

    for part in in_halves(paste, count - 1, image.device):
        for varied, label in part:
            images.append(varied)
            labels.append(label)
    return images, torch.stack(labels)


def sample_weights(count: int) -> Tensor:
    """Gamma of the samples of `initial_samples`: the frame itself counts twice; they sum to one."""
    weights = torch.ones(count)
    weights[0] = 2
    return weights / weights.sum()


def fill_hole(image: Tensor, mask: Tensor) -> Tensor:
    """Replace the object by a smooth continuation of its surroundings.

    A pyramid of averages of the known pixels: each unknown pixel takes the finest level that knows something
    about its place.

    Args:
        image: (3, H, W).
        mask: (H, W), 1 on the object.

    Returns:
        (3, H, W).
    """
    hole = _grow(_grow(mask, 1), 0)[None]  # (1, H, W); rows, then columns: a square
    return _fill((image * (1 - hole))[None], (1 - hole)[None]).squeeze(0)


def _grow(mask: Tensor, dim: int) -> Tensor:
    """The maximum over `_HOLE_MARGIN` pixels to either side; each step doubles what the last one reached."""
    size, reached = mask.shape[dim], 0
    while reached < _HOLE_MARGIN:
        step = min(reached + 1, _HOLE_MARGIN - reached, size - 1)
        if step == 0:
            break
        grown = mask.clone()
        for here, there in ((0, step), (step, 0)):
            part = grown.narrow(dim, here, size - step)
            torch.maximum(part, mask.narrow(dim, there, size - step), out=part)
        mask, reached = grown, reached + step
    return mask


def _fill(values: Tensor, known: Tensor) -> Tensor:
    """Values (1, 3, h, w), already multiplied by known (1, 1, h, w) in [0, 1] -> all filled."""
    h, w = values.shape[-2:]
    if h == 1 and w == 1:
        return values / known.clamp(min=1e-6)
    coarse = _fill(
        F.avg_pool2d(values, 2, ceil_mode=True, count_include_pad=False),
        F.avg_pool2d(known, 2, ceil_mode=True, count_include_pad=False),
    )
    return values + (1 - known) * F.interpolate(coarse, (h, w), mode="bilinear", align_corners=False)


class _Variation(NamedTuple):
    """The random part of a sample."""

    theta: Tensor  # (2, 3): from the new frame to the old one, in `affine_grid`'s coordinates
    blur: float | None  # the direction of motion, if any
    zoom: bool  # whether the background is enlarged


def _vary(box: Box, size: Sequence[int], place: tuple[int, int], generator: torch.Generator) -> _Variation:
    """Draw one variation.

    Args:
        box: around the object.
        size: (H, W).
        place: which sample of how many.
        generator: of all that is random.
    """

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator))

    height, width = size
    left, top, right, bottom = box
    angle = math.radians(uniform(5, 45)) * (1 if uniform(0, 1) < 0.5 else -1)
    scale = uniform(0.5, 2.5)
    scale = min(scale, height / (bottom - top), width / (right - left))
    flip = -1.0 if uniform(0, 1) < 0.2 else 1.0
    skew = uniform(-0.1, 0.1)
    centre_x, centre_y = _grid_place(place, width, height, uniform)

    # The warp as a map from the new frame's pixels to the old one's: inverse of turn * skew * scale * flip.
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    forward = (
        turn @ torch.tensor([[1.0, skew], [0.0, 1.0]]) @ torch.tensor([[flip * scale, 0.0], [0.0, scale]])
    )
    inverse = torch.linalg.inv(forward)
    to_pixels = torch.tensor([[width / 2, 0.0], [0.0, height / 2]])
    old_centre = torch.tensor([(left + right) / 2 - width / 2, (top + bottom) / 2 - height / 2])
    new_centre = torch.tensor([centre_x - width / 2, centre_y - height / 2])
    linear = torch.linalg.inv(to_pixels) @ inverse @ to_pixels
    shift = torch.linalg.inv(to_pixels) @ (old_centre - inverse @ new_centre)
    blur = uniform(0, math.pi) if uniform(0, 1) < 0.25 else None
    return _Variation(torch.cat([linear, shift[:, None]], 1), blur, uniform(0, 1) < 0.25)


def _paste(layers: Tensor, background: Tensor, variation: _Variation) -> tuple[Tensor, Tensor]:
    """One variation: the object, warped, on the filled background; an image and its label.

    Args:
        layers: (1, 5, H, W), of the object: colours times opacity, opacity, mask.
        background: (3, H, W).
        variation: what to do.
    """
    grid = F.affine_grid(
        upload(variation.theta[None], layers), [1, 1, *layers.shape[-2:]], align_corners=False
    )
    warped = F.grid_sample(layers, grid, mode="bilinear", align_corners=False)[0]
    colour, opacity, label = warped[:3], warped[3:4], (warped[4] > 0.5).to(layers.dtype)
    if variation.blur is not None:
        blurred = _motion_blur(torch.cat([colour, opacity]), variation.blur, 2.0)
        colour, opacity = blurred[:3], blurred[3:]
    if variation.zoom:
        background = _blur(_zoom(background, 1.2), 2.0)
    return torch.addcmul(colour, background, 1 - opacity).clamp_(0, 1), label


def _grid_place(place: tuple[int, int], width: int, height: int, uniform) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """The place of sample `index` of `count`: the middle of its cell in a grid, with some play."""
    index, count = place
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    row, column = divmod(index, columns)
    return (
        (column + 0.5 + uniform(-0.25, 0.25)) * width / columns,
        (row + 0.5 + uniform(-0.25, 0.25)) * height / rows,
    )


def _zoom(image: Tensor, factor: float) -> Tensor:
    """Enlarge about the centre, keeping the size: (3, H, W)."""
    theta = upload(torch.tensor([[[1 / factor, 0, 0], [0, 1 / factor, 0]]]), image)
    grid = F.affine_grid(theta, [1, 3, *image.shape[-2:]], align_corners=False)
    return F.grid_sample(image[None], grid, padding_mode="border", align_corners=False)[0]


def _blur(maps: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (C, H, W)."""
    return _motion_blur(_motion_blur(maps, 0.0, sigma), math.pi / 2, sigma)


def _motion_blur(maps: Tensor, angle: float, sigma: float) -> Tensor:
    """Gaussian blur of (C, H, W) along one direction: a weighted sum of shifted copies."""
    height, width = maps.shape[-2:]
    radius = math.ceil(3 * sigma)
    padded = F.pad(maps[None], (radius, radius, radius, radius), mode="replicate")[0]
    total, weights = torch.zeros_like(maps), 0.0
    for step in range(-radius, radius + 1):
        row = radius + round(step * math.sin(angle))
        column = radius + round(step * math.cos(angle))
        weight = math.exp(-0.5 * (step / sigma) ** 2)
        total.add_(padded[:, row : row + height, column : column + width], alpha=weight)
        weights += weight
    return total / weights
