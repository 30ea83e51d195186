"""Smooth random motion: matrices and displacement fields that move a picture from frame to frame.

Points are (x, y) pixels with the centre of the first pixel at (0.5, 0.5), as `grid_sample` with
align_corners=False has it.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.training.order import FloatArray, random_per_frame


def affine(
    centre: tuple[float, float],
    target: tuple[float, float],
    *,
    scale: tuple[float, float] = (1.0, 1.0),
    angle: float = 0.0,
    shear: float = 0.0,
    perspective: tuple[float, float] = (0.0, 0.0),
) -> FloatArray:
    """Matrix (3, 3) that takes source points to frame points.

    Args:
        centre: the source point that lands on `target`.
        target: in frame pixels.
        scale: frame pixels per source pixel, along x and y.
        angle: radians.
        shear: x += shear * y.
        perspective: change of the scale per frame pixel, along x and y.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    to_origin = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    linear = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    linear = linear @ np.array([[1, shear, 0], [0, 1, 0], [0, 0, 1]]) @ np.diag([*scale, 1.0])
    tilt = np.array([[1, 0, 0], [0, 1, 0], [*perspective, 1]])
    to_target = np.array([[1, 0, target[0]], [0, 1, target[1]], [0, 0, 1]])
    matrix: FloatArray = to_target @ tilt @ linear @ to_origin
    return matrix


def apply(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Take points (N, 2) through a (3, 3) matrix."""
    moved = np.concatenate([points, np.ones_like(points[:, :1])], 1) @ matrix.T
    result: FloatArray = moved[:, :2] / np.maximum(moved[:, 2:], 1e-3)
    return result


@dataclass(frozen=True)
class Window:
    """A rectangle of the frame: what an object can touch, so that only this much is computed."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """An index for the last two dimensions of a frame."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def covered_window(
    matrix: FloatArray, source: tuple[int, int], size: tuple[int, int], margin: int
) -> Window | None:
    """The part of an (H, W) frame that a source of (h, w) pixels lands on, or None outside the frame."""
    height, width = source
    corners = apply(matrix, np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64))
    left, top = np.floor(corners.min(0)).astype(int) - margin
    right, bottom = np.ceil(corners.max(0)).astype(int) + margin
    left, top = max(int(left), 0), max(int(top), 0)
    right, bottom = min(int(right), size[1]), min(int(bottom), size[0])
    if right <= left or bottom <= top:
        return None
    return Window(top, left, bottom - top, right - left)


def sampling_grid(
    matrix: FloatArray, source: tuple[int, int], window: Window, displacement: Tensor | None = None
) -> Tensor:
    """Where each pixel of a window comes from.

    Args:
        matrix: (3, 3), source points to frame points.
        source: (h, w) of the source.
        window: of the frame.
        displacement: (2, height, width) frame pixels added to each point of the window first, or None.

    Returns:
        (height, width, 2) float32 for `grid_sample`.
    """
    inverse = torch.from_numpy(np.linalg.inv(matrix)).float()
    y = torch.arange(window.height, dtype=torch.float32) + (window.top + 0.5)
    x = torch.arange(window.width, dtype=torch.float32) + (window.left + 0.5)
    xs, ys = x.expand(window.height, -1), y[:, None].expand(-1, window.width)
    if displacement is not None:
        xs, ys = xs + displacement[0], ys + displacement[1]
    rows = [inverse[row, 0] * xs + inverse[row, 1] * ys + inverse[row, 2] for row in range(3)]
    depth = rows[2].clamp_min(1e-3)
    return torch.stack(
        [rows[0] / depth * (2 / source[1]) - 1, rows[1] / depth * (2 / source[0]) - 1], -1
    )  # (h, w, 2)


def sample(picture: Tensor, grid: Tensor, padding: str = "zeros", mode: str = "bilinear") -> Tensor:
    """(C, h, w) at a grid (H, W, 2) -> (C, H, W)."""
    return F.grid_sample(picture[None], grid[None], mode=mode, padding_mode=padding, align_corners=False)[0]


def elastic_fields(
    rng: np.random.Generator,
    frames: int,
    size: tuple[int, int],
    amplitude: float,
    cells: int,
    frame_gap: int = 0,
) -> list[Tensor]:
    """Smooth displacement fields that change from frame to frame.

    Args:
        rng: the source of all random numbers.
        frames: T.
        size: (H, W).
        amplitude: standard deviation in pixels.
        cells: how many independent displacements along the longer side; more are more crumpled.
        frame_gap: 0 for frames in random order, else frames in order.

    Returns:
        T tensors (2, H, W) in pixels; the first is of the same strength as the others.
    """
    longest = max(size)
    grid = [max(2, round(cells * side / longest)) for side in size]
    common = rng.normal(size=(1, 2, *grid))
    own = random_per_frame(rng, frames, frame_gap, lambda rng: rng.normal(size=(2, *grid)))
    noise = 0.5 * common + 0.87 * own
    coarse = torch.from_numpy(noise * amplitude).float()
    return list(F.interpolate(coarse, size=size, mode="bicubic", align_corners=True))


def motion_blur(picture: Tensor, velocity: tuple[float, float]) -> Tensor:
    """Smear (C, H, W) along a velocity in pixels (x, y): what moves while the shutter is open."""
    length = float(np.hypot(*velocity))
    if length < 1.5:
        return picture
    length = min(length, 25.0)
    taps = max(3, round(length / 1.5) | 1)
    radius = int(np.ceil(length / 2)) + 1
    kernel = torch.zeros(2 * radius + 1, 2 * radius + 1)
    direction = np.asarray(velocity) / float(np.hypot(*velocity))
    for t in np.linspace(-0.5, 0.5, taps) * length:
        x, y = direction * t + radius
        column, row = int(x), int(y)
        fx, fy = x - column, y - row
        kernel[row, column] += (1 - fx) * (1 - fy)
        kernel[row, column + 1] += fx * (1 - fy)
        kernel[row + 1, column] += (1 - fx) * fy
        kernel[row + 1, column + 1] += fx * fy
    kernel /= kernel.sum()
    padded = F.pad(picture[:, None], (radius,) * 4, mode="replicate")
    return F.conv2d(padded, kernel[None, None])[:, 0]
