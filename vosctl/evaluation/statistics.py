"""What the DAVIS tool makes of an object's values over time: mean, recall and decay."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Statistics:
    """One measure of one object over its sequence, or the mean of such over objects."""

    mean: float
    """The mean over the frames, in [0, 1]."""
    recall: float
    """The share of frames above 0.5, in [0, 1]."""
    decay: float
    """The mean of the first quarter of the frames minus that of the last, in [-1, 1]; smaller is better."""


def statistics_of(values: Sequence[float]) -> Statistics:
    """Mean, recall and decay of one value per frame.

    The quarters are the DAVIS tool's: their bounds are rounded frame numbers, and each quarter includes both
    of its bounds, so that neighbours share a frame. That tool keeps the bounds in 8 bits and has no decay for
    256 frames or more; here the same rule holds for any length.

    Raises:
        ValueError: there is no value.
    """
    if not len(values):
        raise ValueError("statistics of no frames")
    array = np.asarray(values, dtype=np.float64)  # (N,)
    bounds = np.round(np.linspace(1, array.size, 5) + 1e-10).astype(np.int64) - 1
    first, last = array[bounds[0] : bounds[1] + 1], array[bounds[3] : bounds[4] + 1]
    return Statistics(
        mean=float(array.mean()),
        recall=float((array > 0.5).mean()),
        decay=float(first.mean() - last.mean()),
    )


def mean_of(statistics: Sequence[Statistics]) -> Statistics:
    """The mean over objects, which is how a data set's figures are made: every object counts the same."""
    return Statistics(
        mean=float(np.mean([one.mean for one in statistics])),
        recall=float(np.mean([one.recall for one in statistics])),
        decay=float(np.mean([one.decay for one in statistics])),
    )
