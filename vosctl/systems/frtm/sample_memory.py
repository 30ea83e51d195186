"""A memory of stored samples: M of FRTM sections 3.1 and 3.4 as the paper has it, with room for K_max.

`target_memory` gives the same with a matrix in place of the samples, at a cost that does not depend on how
many there are; this form is here so that the paper's can be run and measured (Figure 8 and Table 5). As w1 is
fixed, a sample is what is left of the features behind it, 96 channels, and the score equations of its label.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.systems.frtm.conjugate_gradient import Vector, conjugate_gradient
from vosctl.systems.frtm.memory_schedule import Rate
from vosctl.systems.frtm.score_grid_loss import apply_stencil, score_equations
from vosctl.systems.frtm.target_memory import joining_ratio
from vosctl.systems.frtm.target_model import LAMBDA, PRECONDITIONER, gather, scatter


class SampleMemory(NamedTuple):
    """The memories of O objects, with room for K samples each. Nothing is changed in place."""

    w1: Tensor
    """(O, 96, C), fixed from an object's first frame on."""
    samples: Tensor
    """(O, K, 96, h, w), the features behind w1."""
    stencil: Tensor
    """(O, K, 9, h, w), of the labels' score equations."""
    target: Tensor
    """(O, K, h, w), likewise."""
    weights: Tensor
    """(O, K), gamma of the samples, which sum to one; 0 where there is none yet."""
    share: Tensor
    """(O,): the weight of the newest sample; 0 before the first."""

    @classmethod
    def of(cls, w1: Tensor, features: Tensor, labels: Tensor, weights: Tensor, size: int) -> "SampleMemory":
        """The memories of the first frame's samples.

        Args:
            w1: (O, 96, C).
            features: (O, K', C, h, w).
            labels: (O, K', H, W) in [0, 1].
            weights: (O, K'), summing to one for each object.
            size: K, at least K'.
        """
        empty = size - weights.shape[1]
        stencil, target = _equations(labels, features.shape[-2:])
        samples, stencil, target = (
            torch.cat([part, part.new_zeros(len(w1), empty, *part.shape[2:])], 1)
            for part in (_behind(w1, features), stencil, target)
        )
        return cls(w1, samples, stencil, target, F.pad(weights, (0, empty)), w1.new_zeros(len(w1)))

    def extended(
        self, features: Tensor, labels: Tensor, seen: Tensor, rates: Sequence[Rate]
    ) -> "SampleMemory":
        """The memories with tracked frames added, oldest first: step 7 of Algorithm 1.

        Args:
            features: (B, C, h, w).
            labels: (O, B, H, W) in [0, 1], predicted.
            seen: (O, B) bool: which frames to learn from.
            rates: how much each frame counts.
        """
        new = _behind(self.w1, features[None]), *_equations(labels, features.shape[-2:])
        kept = [part.clone() for part in (self.samples, self.stencil, self.target)]
        weights, share = self.weights, self.share
        objects = torch.arange(len(share), device=share.device)
        for frame, rate in enumerate(rates):
            there = seen[:, frame]
            place = weights.argmin(1)  # an empty one, or that of the smallest weight, which is dropped
            for part, added in zip(kept, new, strict=True):
                old = part[objects, place]
                part[objects, place] = torch.where(_like(there, old), added[:, frame], old)
            joined = weights.clone()
            joined[objects, place] = joining_ratio(share, rate)
            joined = joined / joined.sum(1, keepdim=True)
            weights = torch.where(there[:, None], joined, weights)
            share = torch.where(there, weights[objects, place], share)
        samples, stencil, target = kept
        return SampleMemory(self.w1, samples, stencil, target, weights, share)

    def refit(self, w2: Tensor, steps: int) -> Tensor:
        """W2 fitted to the samples from its present value, (O, 9, 96): step 9 of Algorithm 1."""
        gamma = self.weights[..., None, None]
        stencil, target = self.stencil * gamma.unsqueeze(2), self.target * gamma
        samples, grid = self.samples.flatten(3), self.samples.shape[-2:]  # (O, K, 96, n)

        def loss_side(kernel: Tensor) -> Tensor:  # (O, 9, 96) -> (O, K, h, w)
            return apply_stencil(stencil, gather((kernel.unsqueeze(1) @ samples).unflatten(-1, grid)))

        def kernel_side(residual: Tensor) -> Tensor:  # (O, K, h, w) -> (O, 9, 96)
            return (scatter(residual).flatten(-2) @ samples.mT).sum(1)

        def curvature(p: Vector) -> Vector:
            return (kernel_side(loss_side(p[0])) + LAMBDA[1] * p[0],)

        descent = (kernel_side(target - loss_side(w2)) - LAMBDA[1] * w2,)
        (step,) = conjugate_gradient(curvature, descent, PRECONDITIONER[1:], steps)
        return w2 + step


def _behind(w1: Tensor, features: Tensor) -> Tensor:
    """(O, 96, C) and (O or 1, K, C, h, w) -> (O, K, 96, h, w)."""
    behind: Tensor = (w1.unsqueeze(1) @ features.flatten(3)).unflatten(-1, features.shape[-2:])
    return behind


def _equations(labels: Tensor, grid: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The stencils (O, K, 9, h, w) and targets (O, K, h, w) of labels (O, K, H, W)."""
    equations = score_equations(labels.flatten(0, 1), grid)
    stencil, target = (part.unflatten(0, labels.shape[:2]) for part in equations)
    return stencil, target


def _like(choice: Tensor, maps: Tensor) -> Tensor:
    """(O,) -> (O, 1, ...), with as many dimensions as the maps."""
    return choice.view(-1, *[1] * (maps.dim() - 1))
