"""Ways of pasted objects through a clip: across another object, or out of the picture and back."""

import numpy as np

from vosctl.training.order import FloatArray

# Of so many random places for an object in the first frame, the one farthest from what it will meet is taken.
_CANDIDATES = 8


def happens(rng: np.random.Generator, probability: float) -> bool:
    """Whether something happens; with a probability of 0 no random number is taken."""
    return probability > 0 and rng.random() < probability


def crossing_ways(
    rng: np.random.Generator, frames: int, size: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Two straight ways that begin apart and meet in a later frame.

    Args:
        rng: the source of all random numbers.
        frames: T.
        size: (H, W).

    Returns:
        The ways of two objects, (T, 2) each: their centres (x, y) in pixels.
    """
    meeting = rng.uniform(0.3, 0.7, 2) * (size[1], size[0])
    when = meeting_frame(rng, frames)
    first = way_past(rng, frames, size, meeting, when)
    return first, way_past(rng, frames, size, meeting, when, away_from=first[0])


def meeting_frame(rng: np.random.Generator, frames: int) -> int:
    """The frame in which objects meet: any of the second half, so that they need not be fast."""
    return int(rng.integers(max(1, frames // 2), frames))


def way_past(
    rng: np.random.Generator,
    frames: int,
    size: tuple[int, int],
    meeting: FloatArray,
    when: int,
    away_from: FloatArray | None = None,
) -> FloatArray:
    """A straight way that begins in the picture and leads past a place.

    Args:
        rng: the source of all random numbers.
        frames: T.
        size: (H, W).
        meeting: the place (x, y) in pixels.
        when: the frame in which the place is reached, but for a tenth of the picture's shorter side.
        away_from: another place that the way begins far from, beside `meeting`.

    Returns:
        (T, 2) pixels.
    """
    candidates = rng.uniform(0.12, 0.88, (_CANDIDATES, 2)) * (size[1], size[0])
    shunned = [meeting] if away_from is None else [meeting, away_from]
    distances = np.min([np.linalg.norm(candidates - place, axis=1) for place in shunned], axis=0)
    start = candidates[int(distances.argmax())]
    goal = meeting + rng.uniform(-0.07, 0.07, 2) * min(size)
    way: FloatArray = start + np.outer(np.arange(frames) / when, goal - start)
    return way


def leaving_way(rng: np.random.Generator, frames: int, size: tuple[int, int], extent: float) -> FloatArray:
    """A way that leads out of the picture over one of its edges and back in; with 2 frames it stays inside.

    Args:
        rng: the source of all random numbers.
        frames: T; the first and the last show the object.
        size: (H, W).
        extent: the object's longer side in pixels.

    Returns:
        (T, 2) pixels.
    """
    frame = np.array([size[1], size[0]], dtype=np.float64)
    start, end = rng.uniform(0.2, 0.8, (2, 2)) * frame
    axis, beyond = int(rng.integers(2)), bool(rng.integers(2))
    shares = np.linspace(0, 1, frames)
    way: FloatArray = start + np.outer(shares, end - start)
    outside = frame[axis] + extent if beyond else -extent
    # Out at the middle frames: a half wave that is cut off at 1, where the object is outside for certain.
    away = np.minimum(1.0, 1.2 * np.sin(np.pi * shares)) if frames >= 3 else np.zeros(frames)
    way[:, axis] += away * (outside - way[:, axis])
    return way
