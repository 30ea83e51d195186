"""A colour for each object id: those of the DAVIS and PASCAL VOC annotations."""

import numpy as np
from numpy.typing import NDArray


def _voc_palette() -> NDArray[np.uint8]:
    """Spreads the bits of an id over the channels, three at a time, from each channel's highest bit down."""
    ids = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for step in range(8):
        for channel in range(3):
            bit = ids >> (3 * step + channel) & 1
            palette[:, channel] |= (bit << (7 - step)).astype(np.uint8)
    return palette


PALETTE = _voc_palette()
"""(256, 3) uint8 RGB; row `i` is the colour of object id `i`; 0, the background, is black."""
PALETTE.setflags(write=False)
