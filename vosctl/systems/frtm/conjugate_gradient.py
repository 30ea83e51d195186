"""Preconditioned conjugate gradients, one independent system per object."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Vector = tuple[Tensor, ...]  # parts of one unknown, each (O, ...)


def conjugate_gradient(
    curvature: Callable[[Vector], Vector], residual: Vector, preconditioner: Sequence[float], steps: int
) -> Vector:
    """Approximate the solution of `curvature(x) = residual`, starting at zero.

    Polak-Ribiere, with beta clamped at 0: a direction that has lost its conjugacy is dropped.

    Args:
        curvature: the product with a symmetric positive definite matrix.
        residual: the right-hand side.
        preconditioner: one number per part; the part's residual is divided by it.
        steps: how many iterations.

    Returns:
        x, in the parts of `residual`.
    """
    x = tuple(torch.zeros_like(part) for part in residual)
    direction: Vector = ()
    previous, previous_rho = residual, torch.zeros(())
    for step in range(steps):
        scaled = tuple(part / m for part, m in zip(residual, preconditioner, strict=True))
        rho = _dot(residual, scaled)  # (O,)
        if step == 0:
            direction = scaled
        else:
            beta = _ratio(rho - _dot(previous, scaled), previous_rho).clamp(min=0)
            direction = _add(scaled, beta, direction)
        product = curvature(direction)
        alpha = _ratio(rho, _dot(direction, product))
        x = _add(x, alpha, direction)
        previous, previous_rho = residual, rho
        residual = _add(residual, -alpha, product)
    return x


def _dot(a: Vector, b: Vector) -> Tensor:
    """The inner product of each object: (O,)."""
    total, *others = ((p * q).flatten(1).sum(1) for p, q in zip(a, b, strict=True))
    return sum(others, start=total)


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """The quotient, or 0 where there is nothing left to gain.

    That is where the residual is zero, or where rounding has made a square negative.
    """
    gains = denominator > 0  # never divide by 0: what is not taken would still spoil the gradient
    return torch.where(gains, numerator / torch.where(gains, denominator, 1.0), 0.0)


def _add(a: Vector, factor: Tensor, b: Vector) -> Vector:
    """a + factor * b, the factor per object."""
    return tuple(p + factor.view(-1, *[1] * (p.dim() - 1)) * q for p, q in zip(a, b, strict=True))
