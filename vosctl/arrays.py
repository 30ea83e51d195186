"""The arrays that pass between the rooms, by name."""

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(H, W, 3) RGB, a frame as it was decoded."""
Labels = NDArray[np.uint8]
"""(H, W): 0 is background, 1 to 254 are object ids; 255 is void in annotations alone."""
Probability = NDArray[np.float32]
"""(H, W) in [0, 1]: how likely each pixel is one object's."""

MAX_ID = 254
"""The largest object id of a label map."""
VOID = 255
"""What annotations (DAVIS, VOC) give to pixels that are not to be judged."""


def ids_in(labels: Labels) -> tuple[int, ...]:
    """The values that occur in a label map (H, W), rising, 0 included where it occurs."""
    occurs = np.zeros(256, bool)
    occurs[labels] = True  # eight times less memory than counting takes
    return tuple(np.flatnonzero(occurs).tolist())


def object_ids_in(labels: Labels) -> tuple[int, ...]:
    """The ids that occur in a label map (H, W), rising, without the background."""
    return tuple(value for value in ids_in(labels) if value)
