"""A memory of what an object has shown so far, as one matrix: the memory M of FRTM sections 3.1 and 3.4.

Once w1 is fixed, eq. (2) is quadratic in w2. With X_k the 864 = 9*96 values that w2 sees at each score cell
of sample k and (S_k, t_k) its score equations, all samples together are

    G = sum gamma_k X_k' S_k X_k   (864, 864)      b = sum gamma_k X_k' t_k   (864,)

and the paper's sample weights are a recursion, so that no sample has to be kept: state and cost of an update
do not depend on the length of the clip.

All of it is computed in float32, whatever the networks are in. G has small eigenvalues, and the errors of
bfloat16 are larger: with an exact G w2 gets better over 20 steps of conjugate gradients, with a rounded one
worse after five.
"""

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.compute.two_threads import in_halves
from vosctl.systems.frtm.conjugate_gradient import Vector, conjugate_gradient
from vosctl.systems.frtm.memory_schedule import Rate
from vosctl.systems.frtm.score_grid_loss import score_equations
from vosctl.systems.frtm.target_model import HIDDEN, LAMBDA, PRECONDITIONER, scatter

TAPS = 9
_BLOCKS = 3  # of columns of G; with 3, down to the diagonal, the last is as much work as the others
_CELLS = 3  # of a row that are taken at a time in products with S


class TargetMemory(NamedTuple):
    """The memories of O objects, which are independent. Nothing is changed in place."""

    w1: Tensor
    """(O, 96, C), fixed from an object's first frame on."""
    normal: Tensor
    """G, (O, 864, 864)."""
    rhs: Tensor
    """b, (O, 864)."""
    share: Tensor
    """(O,): a of the newest sample, its part of the total weight; 0 before the first."""

    @classmethod
    def of(
        cls,
        w1: Tensor,
        features: Tensor,
        labels: Tensor,
        weights: Tensor,
    ) -> "TargetMemory":
        """The memories of the first frame's samples.

        Args:
            w1: (O, 96, C).
            features: (O, K, C, h, w).
            labels: (O, K, H, W) in [0, 1].
            weights: (O, K), summing to one for each object.
        """
        objects, size = len(w1), TAPS * HIDDEN
        empty = w1.new_zeros(objects, size, size), w1.new_zeros(objects, size), w1.new_zeros(objects)
        return cls(w1, *empty)._blend(features, labels, weights)

    def extended(
        self,
        features: Tensor,
        labels: Tensor,
        seen: Tensor,
        rates: Sequence[Rate],
    ) -> "TargetMemory":
        """The memories with tracked frames added, oldest first.

        Args:
            features: (B, C, h, w).
            labels: (O, B, H, W) in [0, 1], predicted.
            seen: (O, B) bool: which frames to learn from.
            rates: how much each frame counts.
        """
        weights, share = next_weights(self.share, seen, rates)
        return self._blend(features[None], labels, weights)._replace(share=share)

    def refit(self, w2: Tensor, steps: int) -> Tensor:
        """W2 fitted to these memories, (O, 9, 96): see `refit_last_layer`."""
        return refit_last_layer(w2, self.normal, self.rhs, steps)

    def _blend(self, features: Tensor, labels: Tensor, weights: Tensor) -> "TargetMemory":
        """G <- (1 - sum weights_k) G + sum weights_k G_k, and b likewise; features (O or 1, K, C, h, w)."""
        grid = features.shape[-2:]

        def of_frames(frames: slice) -> tuple[Tensor, Tensor, Tensor] | None:
            """X', S X with the weights in S, and what they add to b."""
            gamma = weights[:, frames]  # (O, K')
            if _is_nothing(gamma):
                return None
            equations = score_equations(labels[:, frames].flatten(0, 1), grid)
            stencil = equations.stencil.unflatten(0, gamma.shape) * gamma[..., None, None, None]
            target = equations.target.unflatten(0, gamma.shape) * gamma[..., None, None]
            z = features[:, frames].flatten(3).mT @ self.w1.mT.unsqueeze(1)  # (O, K', h*w, 96)
            z = z.unflatten(2, grid)
            b = scatter(target).transpose(1, 2).flatten(2) @ z.flatten(1, 3)  # (O, 9, 96)
            sx = _apply_stencil(stencil.flatten(0, 1), z.flatten(0, 1))
            return _neighbour_columns(z), sx.view(len(gamma), -1, sx.shape[-1]), b.flatten(1)

        parts = [part for part in in_halves(of_frames, weights.shape[1], weights.device) if part is not None]
        keep = 1 - weights.sum(1, keepdim=True)
        normal, rhs = torch.empty_like(self.normal), self.rhs * keep
        for *_, b in parts:
            rhs += b
        edges = range(0, normal.shape[1] + 1, normal.shape[1] // _BLOCKS)
        blocks = [slice(first, last) for first, last in pairwise(edges)]
        halves = [blocks[:-1], blocks[-1:]]

        def add_up(half: slice) -> None:
            for own in chain.from_iterable(halves[half]):
                upper = normal[:, : own.stop, own]
                torch.mul(self.normal[:, : own.stop, own], keep.unsqueeze(2), out=upper)
                for x, sx, _ in parts:
                    upper += x[:, : own.stop] @ sx[..., own]

        in_halves(add_up, 2, normal.device)
        for own in blocks:  # G is symmetric
            normal[:, own, : own.start] = normal[:, : own.start, own].mT
        return self._replace(normal=normal, rhs=rhs)


def _is_nothing(weights: Tensor) -> bool:
    """Whether samples do not count; off the CPU asking would take longer than adding zeros."""
    return weights.is_cpu and not weights.any()


def next_weights(share: Tensor, seen: Tensor, rates: Sequence[Rate]) -> tuple[Tensor, Tensor]:
    """The weights of new samples, where all samples together weigh one.

    The paper gives sample i the weight gamma_i = gamma_{i-1} / (1 - eta), gamma_0 = eta, and normalises all
    to sum to one (section 3.4); the newest one's share a_i tends to eta.

    Args:
        share: (O,), a of each object's newest sample; 0 before the first.
        seen: (O, B) bool; the samples there are, oldest first.
        rates: of the samples; with eta for each it is the paper's rule.

    Returns:
        (O, B), and the new share (O,).
    """
    weights: list[Tensor] = []
    for there, (rate, before) in zip(seen.unbind(1), rates, strict=True):
        ratio = joining_ratio(share, Rate(rate, before))
        share = torch.where(there, ratio / (1 + ratio), share)
        newest = share * there
        weights = [older * (1 - newest) for older in weights]
        weights.append(newest)
    return torch.stack(weights, 1), share


def joining_ratio(share: Tensor, rate: Rate) -> Tensor:
    """What a new sample weighs where those that are there weigh one; share (O,), see `next_weights`."""
    first = torch.full_like(share, rate.own * (1 - rate.own))
    return torch.where(share > 0, share * (rate.own / rate.before) / (1 - rate.own), first)


def refit_last_layer(w2: Tensor, normal: Tensor, rhs: Tensor, steps: int) -> Tensor:
    """Fit w2 of all objects to their memories, from its present value: step 9 of Algorithm 1.

    Args:
        w2: (O, 9, 96).
        normal: (O, 864, 864), of the memories.
        rhs: (O, 864).
        steps: of conjugate gradients.

    Returns:
        The new w2, (O, 9, 96).
    """
    flat = w2.flatten(1).unsqueeze(-1)  # (O, 864, 1)

    def curvature(p: Vector) -> Vector:
        return (normal @ p[0] + LAMBDA[1] * p[0],)

    descent = (rhs.unsqueeze(-1) - normal @ flat - LAMBDA[1] * flat,)
    (step,) = conjugate_gradient(curvature, descent, PRECONDITIONER[1:], steps)
    return (flat + step).view_as(w2)


def _neighbour_columns(z: Tensor) -> Tensor:
    """X', the values that w2 sees at each cell: (O, K, h, w, 96) -> (O, 9*96, K*h*w)."""
    around = F.pad(z.movedim(4, 1), (1, 1, 1, 1)).unfold(3, 3, 1).unfold(4, 3, 1)  # (O, 96, K, h, w, 3, 3)
    return around.permute(0, 5, 6, 1, 2, 3, 4).reshape(len(z), TAPS * z.shape[4], -1)


def _apply_stencil(stencil: Tensor, z: Tensor) -> Tensor:
    """S X, where row c of X is what w2 sees at cell c.

    Each row of S X sums over the 5x5 neighbours of a cell: w2 sees 3x3 of them, S couples each with 3x3. A
    few cells of a row have most of theirs in common: S is one small banded matrix for them, and X is never
    formed.

    Args:
        stencil: (N, 9, h, w).
        z: (N, h, w, 96).

    Returns:
        (N, h*w, 9*96).
    """
    n, _, h, w = stencil.shape
    groups = -(-w // _CELLS)
    beyond = groups * _CELLS - w
    z = F.pad(z, (0, 0, 2, 2 + beyond, 2, 2))  # (N, h+4, groups*_CELLS+4, 96)
    image, row, cell, _ = z.stride()
    wide = _CELLS + 4  # cells that a group sees in each of five rows
    windows = z.as_strided(  # which overlap
        (n, h, groups, 5, wide, z.shape[3]), (image, row, _CELLS * cell, row, cell, 1)
    ).reshape(n * h * groups, 5 * wide, -1)
    band = stencil.new_zeros(n, h, groups, TAPS * _CELLS, 5 * wide)
    # What the cell's tap (i, j) sees is coupled, through entry (dr, dc) of S, with (i+dr, cell+j+dc).
    pitch = 5 * wide
    coupled = band.as_strided(
        (n, h, groups, _CELLS, 3, 3, 3, 3),
        (*band.stride()[:3], TAPS * pitch + 1, 3 * pitch + wide, pitch + 1, wide, 1),
    )
    entries = F.pad(stencil, (0, beyond)).view(n, 3, 3, h, groups, _CELLS)
    coupled.copy_(entries.permute(0, 3, 4, 5, 1, 2)[:, :, :, :, None, None])
    product = band.flatten(0, 2) @ windows  # (N*h*groups, _CELLS*9, 96)
    return product.view(n, h, groups * _CELLS, -1)[:, :, :w].reshape(n, h * w, -1)
