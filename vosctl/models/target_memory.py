"""What objects have shown so far, as one matrix each: the memory M of FRTM sections 3.1 and 3.4.

Once w1 is fixed, eq. (2) is quadratic in w2. With X_k the 864 = 9*96 values that w2 sees at each score cell
of sample k and (S_k, t_k) its score equations, all samples together are

    G = sum gamma_k X_k' S_k X_k   (864, 864)      b = sum gamma_k X_k' t_k   (864,)

and the paper's sample weights are a recursion, so that no sample has to be kept: state and cost of an update
do not depend on the length of the clip.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.models.conjugate_gradient import Vector, conjugate_gradient
from vosctl.models.halves import in_halves
from vosctl.models.normal_equations import score_equations
from vosctl.models.target_model import HIDDEN, LAMBDA, PRECONDITIONER, scatter

TAPS = 9


class TargetMemory(NamedTuple):
    """The memories of O objects, which are independent. Nothing is changed in place."""

    w1: Tensor
    """(O, 96, C), fixed from an object's first frame on."""
    normal: Tensor
    """G, (O, 864, 864)."""
    moment: Tensor
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
        dtype: torch.dtype = torch.float32,
    ) -> "TargetMemory":
        """The memories of the first frame's samples.

        Args:
            w1: (O, 96, C).
            features: (O, K, C, h, w).
            labels: (O, K, H, W) in [0, 1].
            weights: (O, K), summing to one for each object.
            dtype: of the networks. Where it is bfloat16, what w2 sees and what a frame adds to G are rounded
                to it; sums over frames never are.
        """
        objects, size = len(w1), TAPS * HIDDEN
        empty = w1.new_zeros(objects, size, size), w1.new_zeros(objects, size), w1.new_zeros(objects)
        return cls(w1, *empty)._blend(features, labels, weights, dtype)

    def extended(
        self,
        features: Tensor,
        labels: Tensor,
        seen: Tensor,
        rate: float,
        dtype: torch.dtype = torch.float32,
    ) -> "TargetMemory":
        """With tracked frames added, oldest first.

        Args:
            features: (B, C, h, w).
            labels: (O, B, H, W) in [0, 1], predicted.
            seen: (O, B) bool: which frames to learn from.
            rate: eta of section 3.4, in (0, 1).
            dtype: as above.
        """
        weights, share = next_weights(self.share, seen, rate)
        return self._blend(features[None], labels, weights, dtype)._replace(share=share)

    def _blend(self, features: Tensor, labels: Tensor, weights: Tensor, dtype: torch.dtype) -> "TargetMemory":
        """G <- (1 - sum weights_k) G + sum weights_k G_k, and b likewise; features (O or 1, K, C, h, w).

        A frame at a time: its rows fill the caches.
        """
        grid = features.shape[-2:]
        rounded = dtype if dtype == torch.bfloat16 else features.dtype  # G is beyond the range of float16

        def of_frames(frames: slice) -> list[tuple[Tensor, Tensor]]:
            """What each adds to G and b."""
            gamma = weights[:, frames]  # (O, K')
            equations = score_equations(labels[:, frames].flatten(0, 1), grid)
            stencil = equations.stencil.unflatten(0, gamma.shape) * gamma[..., None, None, None]
            target = equations.target.unflatten(0, gamma.shape) * gamma[..., None, None]
            parts = []
            for k, x in enumerate(features[:, frames].unbind(1)):
                if _is_nothing(gamma[:, k]):
                    continue
                z = x.flatten(2).mT @ self.w1.mT  # (O, h*w, 96)
                z = z.to(rounded)  # for b too: what is fitted are the rounded values then, exactly
                b = (scatter(target[:, k]).flatten(2) @ z.to(target.dtype)).flatten(1)
                z = z.unflatten(1, grid)
                sx = _apply_stencil(stencil[:, k].to(rounded), _neighbour_rows(z))  # (O, h*w, 864)
                parts.append((_neighbour_columns(z) @ sx, b))
            return parts

        keep = 1 - weights.sum(1)
        normal, moment = self.normal * keep[:, None, None], self.moment * keep[:, None]
        for parts in in_halves(of_frames, weights.shape[1], weights.device):
            for g, b in parts:
                normal += g
                moment += b
        return self._replace(normal=normal, moment=moment)


def _is_nothing(weights: Tensor) -> bool:
    """Whether samples do not count; off the CPU asking would take longer than adding zeros."""
    return weights.is_cpu and not weights.any()


def next_weights(share: Tensor, seen: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    """What new samples weigh, all samples together weighing one.

    The paper gives sample i the weight gamma_i = gamma_{i-1} / (1 - eta), gamma_0 = eta, and normalises all
    to sum to one (section 3.4); the newest one's share a_i tends to eta.

    Args:
        share: (O,), a of each object's newest sample; 0 before the first.
        seen: (O, B) bool; the samples there are, oldest first.
        rate: eta.

    Returns:
        (O, B), and the new share (O,).
    """
    weights: list[Tensor] = []
    for there in seen.unbind(1):
        first = torch.full_like(share, rate * (1 - rate))
        ratio = torch.where(share > 0, share / (1 - rate), first)
        share = torch.where(there, ratio / (1 + ratio), share)
        newest = share * there
        weights = [older * (1 - newest) for older in weights]
        weights.append(newest)
    return torch.stack(weights, 1), share


def refit_last_layer(w2: Tensor, normal: Tensor, moment: Tensor, steps: int) -> Tensor:
    """Fit w2 of all objects to their memories, from its present value: step 9 of Algorithm 1.

    Args:
        w2: (O, 9, 96).
        normal: (O, 864, 864), of the memories.
        moment: (O, 864).
        steps: of conjugate gradients.

    Returns:
        The new w2, (O, 9, 96).
    """
    normal = (normal + normal.mT) / 2  # which rounding has left a little short of symmetric
    flat = w2.flatten(1).unsqueeze(-1)  # (O, 864, 1)

    def curvature(p: Vector) -> Vector:
        return (normal @ p[0] + LAMBDA[1] * p[0],)

    descent = (moment.unsqueeze(-1) - normal @ flat - LAMBDA[1] * flat,)
    (step,) = conjugate_gradient(curvature, descent, PRECONDITIONER[1:], steps)
    return (flat + step).view_as(w2)


def _neighbour_rows(z: Tensor) -> Tensor:
    """What w2 sees at each cell, and at the cells just outside: (O, h, w, 96) -> (O, h+2, w+2, 9*96)."""
    around = F.pad(z, (0, 0, 2, 2, 2, 2)).unfold(1, 3, 1).unfold(2, 3, 1)  # (O, h+2, w+2, 96, 3, 3)
    return around.permute(0, 1, 2, 4, 5, 3).flatten(3)


def _neighbour_columns(z: Tensor) -> Tensor:
    """What w2 sees at each cell, transposed, as products like it: (O, h, w, 96) -> (O, 9*96, h*w)."""
    around = F.pad(z.permute(0, 3, 1, 2), (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)  # (O, 96, h, w, 3, 3)
    return around.permute(0, 4, 5, 1, 2, 3).reshape(len(z), TAPS * z.shape[3], -1)


def _apply_stencil(stencil: Tensor, x: Tensor) -> Tensor:
    """S X: stencil (O, 9, h, w), x (O, h+2, w+2, N), which counts outside too -> (O, h*w, N).

    A row of cells is coupled with three rows, so S is one small banded matrix per row. As a batched matrix
    product this is several times faster than nine shifted multiply-adds over X, which is large.
    """
    objects, _, h, w = stencil.shape
    columns = x.shape[-1]
    pitch = (w + 2) * columns
    # Row r with its two neighbours: views that overlap.
    rows = x.as_strided((objects, h, 3 * (w + 2), columns), (x.stride(0), pitch, columns, 1))
    band = stencil.new_zeros(objects, h, w, 3 * (w + 2))
    # Cell x of a row is coupled with the cells from x on of the three rows, which begin outside the grid.
    coupled = band.as_strided((objects, h, w, 3, 3), (*band.stride()[:2], 3 * (w + 2) + 1, w + 2, 1))
    coupled.copy_(stencil.unflatten(1, (3, 3)).permute(0, 3, 4, 1, 2))
    return (band @ rows).view(objects, h * w, columns)
