"""What an object has shown so far, as one matrix: the memory M of FRTM sections 3.1 and 3.4.

Once w1 is fixed, eq. (2) is quadratic in w2. With X_k the 864 = 9*96 values that w2 sees at each score cell
of sample k and (S_k, t_k) its score equations, all samples together are

    G = sum gamma_k X_k' S_k X_k   (864, 864)      b = sum gamma_k X_k' t_k   (864,)

and the paper's sample weights are a recursion, so that no sample has to be kept: state and cost of an update
do not depend on the length of the clip.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.models.conjugate_gradient import Vector, conjugate_gradient
from vosctl.models.devices import products_in
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

    Args:
        w1: see above.
        dtype: what the factors of G's products may be rounded to; sums are always of w1's type.
    """

    def __init__(self, w1: Tensor, dtype: torch.dtype = torch.float32) -> None:
        self.w1 = w1
        self._dtype = dtype
        self.normal = w1.new_zeros(TAPS * HIDDEN, TAPS * HIDDEN)
        self.moment = w1.new_zeros(TAPS * HIDDEN)
        self.share = 0.0

    def state_dict(self) -> dict[str, Tensor | float]:
        """Everything, on the host."""
        return {
            "w1": self.w1.cpu(),
            "normal": self.normal.cpu(),
            "moment": self.moment.cpu(),
            "share": self.share,
        }

    @classmethod
    def from_state(
        cls, state: Mapping[str, Any], device: torch.device, dtype: torch.dtype = torch.float32
    ) -> "TargetMemory":
        """What `state_dict` was taken from, on a device."""
        memory = cls(state["w1"].to(device), dtype)
        memory.normal, memory.moment = state["normal"].to(device), state["moment"].to(device)
        memory.share = float(state["share"])
        return memory

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
        """G <- keep G + sum shares_k G_k, and b likewise. A frame at a time: its rows fill the caches."""
        equations = score_equations(labels, features.shape[-2:])
        self.normal, self.moment = self.normal * keep, self.moment * keep
        for k, share in enumerate(shares):
            z = features[k].permute(1, 2, 0) @ self.w1.T  # (h, w, 96)
            padded = _neighbour_rows(z)  # (h+2, w+2, 864)
            sx = _apply_stencil(equations.stencil[k], padded)  # (h*w, 864)
            x = padded[1:-1, 1:-1].reshape(sx.shape)
            with products_in(self._dtype):
                self.normal.addmm_(x.T, sx, alpha=share)
            self.moment.addmv_(x.T, equations.target[k].view(-1), alpha=share)


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
    """What w2 sees at each cell, and at the cells just outside: (h, w, 96) -> (h+2, w+2, 9*96)."""
    h, w = z.shape[:2]
    padded = F.pad(z, (0, 0, 2, 2, 2, 2))
    return torch.cat([padded[i : i + h + 2, j : j + w + 2] for i in range(3) for j in range(3)], -1)


def _apply_stencil(stencil: Tensor, x: Tensor) -> Tensor:
    """S X: stencil (9, h, w), x (h+2, w+2, N), which counts outside too -> (h*w, N).

    A row of cells is coupled with three rows, so S is one small banded matrix per row. As a batched matrix
    product this is several times faster than nine shifted multiply-adds over X, which is large.
    """
    _, h, w = stencil.shape
    columns = x.shape[-1]
    pitch = (w + 2) * columns
    # Row r with its two neighbours: views that overlap.
    rows = x.as_strided((h, 3 * (w + 2), columns), (pitch, columns, 1))
    band = stencil.new_zeros(h, w, 3, w + 2)
    for tap in range(TAPS):
        row, column = divmod(tap, 3)
        band[:, :, row].diagonal(column, -2, -1).copy_(stencil[tap])
    return (band.flatten(-2) @ rows).view(h * w, columns)
