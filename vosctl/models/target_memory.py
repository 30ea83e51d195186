"""What an object has shown so far, as one matrix: the memory M of FRTM sections 3.1 and 3.4.

Once w1 is fixed, eq. (2) is quadratic in w2. With X_k the 864 = 9*96 values that w2 sees at each score cell
of sample k and (S_k, t_k) its score equations, all samples together are

    G = sum gamma_k X_k' S_k X_k   (864, 864)      b = sum gamma_k X_k' t_k   (864,)

and the paper's sample weights are a recursion, so that no sample has to be kept: state and cost of an update
do not depend on the length of the clip.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.models.conjugate_gradient import Vector, conjugate_gradient
from vosctl.models.normal_equations import score_equations
from vosctl.models.target_model import HIDDEN, LAMBDA, PRECONDITIONER

TAPS = 9


class TargetMemory:
    """The memory of one object.

    Attributes:
        w1: (96, C), fixed from the first frame on.
        normal: G, (864, 864).
        moment: b, (864,).
        share: a of the newest sample, its part of the total weight; 0 before the first.
    """

    def __init__(self, w1: Tensor) -> None:
        self.w1 = w1
        self.normal = w1.new_zeros(TAPS * HIDDEN, TAPS * HIDDEN)
        self.moment = w1.new_zeros(TAPS * HIDDEN)
        self.share = 0.0

    def start(self, features: Tensor, labels: Tensor, weights: Tensor) -> None:
        """Fill the memory with the samples of the first frame.

        Args:
            features: (K, C, h, w).
            labels: (K, H, W) in [0, 1].
            weights: (K,), summing to one.
        """
        self._blend(features, labels, weights.tolist(), keep=0.0)

    def extend(self, features: Tensor, labels: Tensor, rate: float) -> None:
        """Add tracked frames, oldest first.

        Args:
            features: (B, C, h, w).
            labels: (B, H, W) in [0, 1], predicted.
            rate: eta of section 3.4, in (0, 1).
        """
        shares: list[float] = []
        for _ in range(len(labels)):
            self.share = next_share(self.share, rate)
            shares = [(1 - self.share) * older for older in shares]
            shares.append(self.share)
        self._blend(features, labels, shares, keep=1 - sum(shares))

    def _blend(self, features: Tensor, labels: Tensor, shares: Sequence[float], keep: float) -> None:
        """G <- keep G + sum shares_k G_k, and b likewise."""
        frames, _, h, w = features.shape
        share = torch.tensor(shares, dtype=labels.dtype).to(labels.device)
        equations = score_equations(labels, (h, w))
        z = features.permute(0, 2, 3, 1) @ self.w1.T  # (B, h, w, 96)
        x = _neighbour_rows(z)  # (B, h, w, 864)
        sx = _apply_stencil(equations.stencil * share.view(-1, 1, 1, 1), x)  # (B*h*w, 864)
        flat = x.view(frames * h * w, -1)
        target = (equations.target * share.view(-1, 1, 1)).view(-1)
        self.normal = torch.addmm(self.normal, flat.T, sx, beta=keep)
        self.moment = torch.addmv(self.moment, flat.T, target, beta=keep)


def next_share(share: float, rate: float) -> float:
    """The new sample's part of the total weight, from the last one's.

    The paper gives sample i the weight gamma_i = gamma_{i-1} / (1 - eta), gamma_0 = eta, and normalises all
    to sum to one (section 3.4); its limit is eta.
    """
    if share == 0.0:
        return rate / (1 / (1 - rate) + rate)
    ratio = share / (1 - rate)
    return ratio / (1 + ratio)


def refit_last_layer(w2: Tensor, memories: Sequence[TargetMemory], steps: int) -> Tensor:
    """Fit w2 of all objects to their memories, from its present value: step 9 of Algorithm 1.

    Args:
        w2: (O, 9, 96).
        memories: one per object.
        steps: of conjugate gradients.

    Returns:
        The new w2, (O, 9, 96).
    """
    normal = torch.stack([memory.normal for memory in memories])  # (O, 864, 864)
    moment = torch.stack([memory.moment for memory in memories]).unsqueeze(-1)
    flat = w2.flatten(1).unsqueeze(-1)  # (O, 864, 1)

    def curvature(p: Vector) -> Vector:
        return (normal @ p[0] + LAMBDA[1] * p[0],)

    descent = (moment - normal @ flat - LAMBDA[1] * flat,)
    (step,) = conjugate_gradient(curvature, descent, PRECONDITIONER[1:], steps)
    return (flat + step).view_as(w2)


def _neighbour_rows(z: Tensor) -> Tensor:
    """What w2 sees at each cell: (B, h, w, 96) -> (B, h, w, 9*96), with contiguous rows."""
    h, w = z.shape[1:3]
    padded = F.pad(z, (0, 0, 1, 1, 1, 1))
    return torch.cat([padded[:, i : i + h, j : j + w] for i in range(3) for j in range(3)], -1)


def _apply_stencil(stencil: Tensor, x: Tensor) -> Tensor:
    """S X: stencil (B, 9, h, w), x (B, h, w, N) -> (B*h*w, N).

    A row of cells is coupled with three rows, so S is one small banded matrix per row. As a batched matrix
    product this is several times faster than nine shifted multiply-adds over X, which is large.
    """
    frames, h, w, columns = x.shape
    padded = F.pad(x, (0, 0, 1, 1, 1, 1))  # (B, h+2, w+2, N)
    pitch = (w + 2) * columns
    rows = padded.as_strided(
        (frames, h, 3 * (w + 2), columns), ((h + 2) * pitch, pitch, columns, 1)
    )  # row r with its two neighbours, overlapping views
    band = stencil.new_zeros(frames, h, w, 3, w + 2)
    for tap in range(TAPS):
        row, column = divmod(tap, 3)
        band[..., row, :].diagonal(column, -2, -1).copy_(stencil[:, tap])
    return (band.flatten(-2) @ rows).view(frames * h * w, columns)
