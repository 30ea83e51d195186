"""A small made-up scene with known masks: a fish swims behind a turning ball, over a moving sea bed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FISH, BALL = 1, 2
"""Object ids in the labels of the demo."""

Plane = NDArray[np.floating]  # (H, W)
Colours = NDArray[np.floating]  # (H, W, 3), 0..255


def _noise(height: int, width: int, cell: int, generator: np.random.Generator) -> Plane:
    """Smooth noise in [0, 1], (H, W), whose blobs are about `cell` pixels wide."""
    grid = generator.random((height // cell + 2, width // cell + 2)).astype(np.float32)
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)


def _mix(low: tuple[int, int, int], high: tuple[int, int, int], share: Plane) -> Colours:
    """Colours (..., 3) between two colours by a share (...) in [0, 1]."""
    first, last = np.array(low, np.float32), np.array(high, np.float32)
    return first + share[..., None] * (last - first)


def _sea_bed(height: int, width: int, generator: np.random.Generator) -> Colours:
    """Water that grows lighter upwards over patchy sand and weeds; (H, W, 3) in 0..255."""
    depth = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    coarse = _noise(height, width, 48, generator)
    middle = _noise(height, width, 16, generator)
    fine = _noise(height, width, 4, generator)
    water = _mix((88, 168, 190), (20, 84, 120), (depth + 0.25 * (coarse - 0.5)).clip(0, 1))
    sand = _mix((120, 104, 74), (206, 184, 138), 0.5 * middle + 0.5 * fine)
    weeds = _mix((22, 64, 40), (70, 130, 62), fine)
    bed = np.where(((coarse + middle) > 1.06)[..., None], weeds, sand)
    shore = ((depth - 0.52 - 0.22 * (coarse - 0.5)) / 0.03).clip(0, 1)[..., None]
    return water + shore * (bed - water)


@dataclass(frozen=True)
class _Pose:
    """Where an object is: centre (pixels), length of its unit (pixels), turn (radians, clockwise)."""

    x: float
    y: float
    unit: float
    turn: float

    def local(self, height: int, width: int) -> tuple[Plane, Plane]:
        """The object's own coordinates u (along) and v (across) for each pixel, two planes (H, W)."""
        dx = np.arange(width, dtype=np.float32)[None, :] - self.x
        dy = np.arange(height, dtype=np.float32)[:, None] - self.y
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        u = (cos * dx + sin * dy) / self.unit
        v = (cos * dy - sin * dx) / self.unit
        return u.astype(np.float32), v.astype(np.float32)


def _fish(u: Plane, v: Plane, sway: float) -> tuple[Plane, Colours]:
    """An orange fish with white bands, its head at u = 1; `sway` bends its tail. (inside > 0, colours)."""
    v = v - sway * (u - 0.6).clip(None, 0) ** 2
    body = 1 - (u / 1.0) ** 2 - (v / 0.46) ** 2
    tail = np.minimum(0.55 - np.abs(u + 1.15) * 1.6, 0.62 * (-u - 0.62) - np.abs(v) + 0.1)
    fin = 0.5 - np.hypot((u + 0.1) / 0.7, (v + 0.42) / 0.4) ** 2 * 0.5 - 0.1
    inside = np.maximum(np.maximum(body, 1.5 * tail), fin)
    colours = _mix((242, 120, 30), (196, 60, 14), (0.5 + v).clip(0, 1))
    is_band = (np.abs(u - 0.38 + 0.2 * v**2) < 0.1) | (np.abs(u + 0.3) < 0.12) | (u < -1.3)
    colours[is_band] = (240, 232, 214)
    colours *= (0.86 + 0.14 * np.cos(28 * u) * np.cos(28 * v))[..., None]  # scales
    eye = np.hypot(u - 0.7, v + 0.1)
    colours[eye < 0.1] = (248, 246, 236)
    colours[eye < 0.055] = (16, 16, 20)
    return inside, colours


def _ball(u: Plane, v: Plane) -> tuple[Plane, Colours]:
    """A beach ball of six coloured wedges. Returns (inside > 0, colours)."""
    radius = np.hypot(u, v)
    wedge = np.floor((np.arctan2(v, u) / np.pi + 1) * 3).astype(int) % 6
    white = (244, 240, 228)
    paints = np.array([(214, 40, 60), white, (40, 96, 200), white, (246, 196, 44), white], np.float32)
    colours = paints[wedge]
    colours[radius < 0.16] = white
    return 1 - radius, colours * (1.05 - 0.5 * radius**2)[..., None]


def _paint(
    picture: Colours, labels: NDArray[np.uint8], inside: Plane, colours: Colours, ramp: float, ident: int
) -> None:
    """Lays an object over the picture; its edge is blended over `ramp` units of `inside`."""
    alpha = (inside / ramp + 0.5).clip(0, 1)
    picture += alpha[..., None] * (colours - picture)
    labels[alpha > 0.5] = ident


def demo_frames(
    count: int = 60, size: tuple[int, int] = (480, 270)
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yields a made-up clip with its masks; the same on every call.

    Args:
        count: number of frames.
        size: width and height in pixels.

    Yields:
        The picture (H, W, 3) uint8, and its labels (H, W) uint8: 0 background, 1 the fish, 2 the ball.
    """
    width, height = size
    generator = np.random.default_rng(7)
    drift = round(0.2 * width)
    bed = _sea_bed(height, width + drift, generator)
    for index in range(count):
        progress = index / max(count - 1, 1)
        wave = np.sin(2 * np.pi * progress)
        left = round(drift * progress)
        picture = bed[:, left : left + width].copy()
        labels = np.zeros((height, width), np.uint8)

        fish = _Pose(
            x=(0.28 + 0.5 * progress) * width,
            y=(0.44 + 0.08 * wave) * height,
            unit=(0.24 + 0.05 * progress) * height,
            turn=0.3 * wave,
        )
        inside, colours = _fish(*fish.local(height, width), sway=0.3 * float(np.sin(12 * np.pi * progress)))
        _paint(picture, labels, inside, colours, 2 / fish.unit, FISH)

        ball = _Pose(
            x=(0.74 - 0.3 * progress) * width,
            y=(0.6 - 0.06 * wave) * height,
            unit=(0.17 + 0.04 * wave) * height,
            turn=4 * progress,
        )
        inside, colours = _ball(*ball.local(height, width))
        _paint(picture, labels, inside, colours, 1 / ball.unit, BALL)

        picture += generator.normal(0, 3, picture.shape[:2]).astype(np.float32)[
            ..., None
        ]  # the camera's noise
        yield picture.clip(0, 255).round().astype(np.uint8), labels
