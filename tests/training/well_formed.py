"""What must hold for the clips of every made-up source."""

import numpy as np
import torch

from vosctl.training.sample import ClipSource

SIZE = (64, 96)


def require_well_formed(source: ClipSource) -> None:
    """Shapes, types and ranges are right, and the same chance gives the same clip."""
    for seed in range(8):
        clip = source.draw(np.random.default_rng(seed), 3, SIZE)
        assert clip.images.shape == (3, 3, *SIZE)
        assert clip.images.dtype == torch.float32
        assert clip.images.min() >= 0
        assert clip.images.max() <= 1
        assert clip.labels.shape == (3, *SIZE)
        assert clip.labels.dtype == torch.uint8
        assert set(clip.labels.unique().tolist()) <= {0, 1, 2, 3, 4, 5, 255}
        again = source.draw(np.random.default_rng(seed), 3, SIZE)
        assert torch.equal(clip.images, again.images)
        assert torch.equal(clip.labels, again.labels)
