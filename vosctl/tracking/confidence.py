"""How far a mask can be relied on: the overlap with the truth that its own probabilities promise."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# The networks are surer than right: the overlap that frtm-rn18 promises is far above J on average. A
# power brings it near J itself; the order of frames stays. On the frames of nine sequences of DAVIS 2016 val
# the result is off by 0.04 on average with frtm-rn18 (correlation with J 0.94), by 0.08 with agame-rn18
# (0.77).
_POWER = 5


def confidence(probabilities: Tensor, argmax: Tensor, refined: bool = True) -> Tensor:
    """The confidence in each object's mask, on the scale of the overlap J.

    If every pixel belonged to the object with its probability p, then mask and truth would share
    sum(p inside) pixels, and together cover area + sum(p outside): their ratio is the overlap to be expected.

    Args:
        probabilities: (B, O+1, H, W), background first.
        argmax: (B, H, W), m where the m-th object is.
        refined: whether they come from a refinement network; coarse scores are not as sure.

    Returns:
        (B, O) in [0, 1]; 0 where an object has no pixel.
    """
    power = _POWER if refined else 1
    values = probabilities.new_zeros(len(argmax), probabilities.shape[1] - 1)
    for frame, won in enumerate(argmax):
        for index in range(values.shape[1]):
            p = probabilities[frame, index + 1].flatten()
            mask = (won == index + 1).flatten().to(p)
            inside = p @ mask  # a product takes a third of the time of masking and summing
            values[frame, index] = (inside / (mask.sum() + p.sum() - inside).clamp(min=1e-6)) ** power
    return values


def confidences_of(
    probabilities: Mapping[int, NDArray[np.float32]], labels: NDArray[np.uint8], refined: bool = True
) -> dict[int, float]:
    """The same for one frame that is not on the device.

    Args:
        probabilities: (H, W) by object id.
        labels: (H, W), object ids.
        refined: as above.

    Returns:
        By object id.
    """
    values = {}
    for object_id, p in probabilities.items():
        maps = torch.from_numpy(p)[None, None].expand(-1, 2, -1, -1)  # the background's is not looked at
        values[object_id] = confidence(maps, torch.from_numpy(labels == object_id)[None], refined).item()
    return values
