"""Frames in order of time, for networks that carry something from frame to frame; or in any order.

Everywhere here `frame_gap` says which: with 0 the frames are in random order, with n they are in order of
time and at most n apart.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def choose_frames(rng: np.random.Generator, available: int, wanted: int, frame_gap: int) -> list[int]:
    """Choose frames of a clip.

    Args:
        rng: where the choice comes from.
        available: frames that the clip has.
        wanted: T, frames to choose.
        frame_gap: with 0, frames are in random order within a random stretch, and near ones are as frequent
            as far ones; else they are evenly spaced, forwards or backwards, and closer in a short clip.

    Returns:
        T indices. A clip that is too short repeats its last one.
    """
    if not frame_gap:
        stretch = int(rng.integers(min(wanted, available), available + 1))
        start = int(rng.integers(0, available - stretch + 1))
        chosen = start + rng.choice(stretch, size=min(wanted, stretch), replace=stretch < wanted)
    else:
        longest = max(1, min(frame_gap, (available - 1) // max(1, wanted - 1)))
        spacing = int(rng.integers(1, longest + 1))
        count = min(wanted, available)
        start = int(rng.integers(0, available - (count - 1) * spacing))
        chosen = start + spacing * np.arange(count)
        if rng.random() < 0.5:
            chosen = chosen[::-1]
    indices = [int(i) for i in chosen]
    return indices + indices[-1:] * (wanted - len(indices))


def random_per_frame(
    rng: np.random.Generator, frames: int, frame_gap: int, draw: Callable[[np.random.Generator], FloatArray]
) -> FloatArray:
    """Random numbers for each frame: each frame its own, or in order on a straight way from one to another.

    Args:
        rng: where they come from.
        frames: T.
        frame_gap: 0 gives each frame numbers of its own; else they change evenly from frame to frame.
        draw: gives the numbers of one frame, of any one shape.

    Returns:
        (T, ...).
    """
    if not frame_gap:
        return np.stack([draw(rng) for _ in range(frames)])
    first, last = draw(rng), draw(rng)
    return np.stack([first + share * (last - first) for share in np.linspace(0, 1, frames)])
