"""The generative appearance module: Gaussians of each object in a learned feature space (A-GAME section 3.2).

Components 0 and 1 are the base of background and foreground. Components 2 and 3 are learned from what the
base gets wrong: background taken for the object (distractors, mostly) and the reverse. Learning and inference
are closed forms that gradients flow through, in float32 whatever the networks' dtype is.

All of it is matrix products of assignments or precisions with the features and their squares, so that nothing
of size components x dimensions x cells is ever made.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor, nn

from vosctl.systems.aggregation import at_least_float32

_REGULARISER_START = -2.0  # before softplus: a variance of 0.13


class Gaussians(NamedTuple):
    """Class-conditional densities with diagonal covariances, of O objects in each of B clips.

    K is 4, background, foreground, hard background, hard foreground; 2 where the model is unimodal.
    """

    mean: Tensor  # (B, O, K, D)
    variance: Tensor  # (B, O, K, D), the covariance's diagonal

    def scores(self, x: Tensor) -> Tensor:
        """Log-likelihoods up to a constant (eq. 8), whose softmax are the posteriors (eq. 7).

        Args:
            x: features (B, D, h, w) of one frame of each clip.

        Returns:
            (B, O, K, h, w).
        """
        batch, objects, components, _ = self.mean.shape
        with full_precision(x):
            precision = 1 / self.variance
            pull = self.mean * precision
            constant = self.variance.log().sum(-1) + (self.mean * pull).sum(-1)  # (B, O, K)
            cells = x.flatten(2)  # (B, D, P)
            square = precision.flatten(1, 2) @ (cells * cells)  # (B, O*K, P)
            distance = square - 2 * (pull.flatten(1, 2) @ cells) + constant.flatten(1, 2).unsqueeze(2)
        return (-0.5 * distance).view(batch, objects, components, *x.shape[-2:])


class AppearanceModule(nn.Module):
    """Algorithm 1.

    The projection to the space of the Gaussians is linear: a rectified feature is half zeros, no Gaussian.

    Args:
        inputs: channels of the backbone's last stage.
        width: D, dimensions of the space.
        unimodal: leave out components 2 and 3 (an ablation of the paper).
    """

    def __init__(self, inputs: int, width: int, *, unimodal: bool = False) -> None:
        super().__init__()
        self.components = 2 if unimodal else 4
        self.reduce = nn.Conv2d(inputs, width, 1)
        self.regulariser = nn.Parameter(torch.full((self.components, width), _REGULARISER_START))

    def project(self, features: Tensor) -> Tensor:
        """The backbone's last stage (B, C, h, w) -> x (B, D, h, w), float32."""
        return at_least_float32(self.reduce(features))

    def learn(
        self, x: Tensor, masks: Tensor, previous: Gaussians | None = None, rate: float = 1.0
    ) -> Gaussians:
        """Infer the Gaussians of a frame and mix them into what is known ("Update" in Algorithm 1).

        Args:
            x: (B, D, h, w), from `project`.
            masks: (B, O, h, w) in [0, 1], float32: the given masks (eq. 5 with y), or predicted ones.
            previous: of the frame before; None in the first frame.
            rate: lambda in eq. (4).
        """
        assigned = torch.stack([1 - masks, masks], 2)  # (B, O, 2, h, w), eq. (5)
        found = self._fit(x, assigned, slice(0, 2))
        if self.components > 2:
            posteriors = found.scores(x).softmax(2)
            hard = self._fit(x, F.relu(assigned - posteriors), slice(2, 4))  # eq. (6)
            found = Gaussians(*(torch.cat(pair, 2) for pair in zip(found, hard, strict=True)))
        if previous is None:
            return found
        return Gaussians(*(torch.lerp(old, new, rate) for old, new in zip(previous, found, strict=True)))

    def _fit(self, x: Tensor, assigned: Tensor, components: slice) -> Gaussians:
        """Equation (3) for some components: x (B, D, h, w) and alpha (B, O, K', h, w)."""
        batch, objects, count = assigned.shape[:3]
        weights = assigned.flatten(3).flatten(1, 2)  # (B, O*K', P)
        cells = x.flatten(2).transpose(1, 2)  # (B, P, D)
        total = weights.sum(2, keepdim=True)  # (B, O*K', 1)
        least = total + 1 / cells.shape[1]  # never 0: a component that has no cell is at the origin
        with full_precision(x):
            first, second = weights @ cells, weights @ (cells * cells)
        mean = first / least
        spread = (second - 2 * mean * first + total * mean * mean) / least
        # Rounding may leave a spread that is negative by a hair.
        shape = (batch, objects, count, -1)
        floor = F.softplus(at_least_float32(self.regulariser[components]))  # (K', D), r_k
        return Gaussians(mean.view(shape), spread.clamp(min=0).view(shape) + floor)


def full_precision(x: Tensor) -> torch.autocast:
    """Keeps autocast from multiplying in half precision, where sums of squares would lose the variance."""
    return torch.autocast(x.device.type, enabled=False)
