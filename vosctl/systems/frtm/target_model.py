"""The target model D and its optimisation: Gauss-Newton with conjugate gradients (FRTM section 3.1).

D is linear in the features, s = w2 * (w1 * x): a 1x1 convolution to 96 channels and a 3x3 convolution to one.
Write each tap of the 3x3 kernel as a row: w2 is (9, 96), w1 is (96, C), and their product A = w2 w1, (9, C),
is all that the scores depend on. With `gather` the sum of nine maps, each taken at its own neighbour,

    s = gather(A x),   J p = gather((w2 p1 + p2 w1) x),   J' r = (w2' Q, Q w1'),   Q = scatter(r) x',

so that no map of 96 channels is ever formed, and no autograd is needed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from vosctl.compute.devices import upload
from vosctl.systems.frtm.conjugate_gradient import Vector, conjugate_gradient
from vosctl.systems.frtm.score_grid_loss import apply_stencil, neighbours, score_equations
from vosctl.systems.settings import TrackerSettings

HIDDEN = 96  # c, the channels between w1 and w2
LAMBDA = (1e-8, 1e-4)  # regularisation of w1 and w2 in eq. (2)
_FIRST_STEPS, _STEPS = 5, 10  # N_CGi of the random start, N_CG of the others (section 3.5)
PRECONDITIONER = (1e-4, 1e-2)  # the CG residuals of w1 and w2 are divided by these


@dataclass(frozen=True)
class FitSchedule:
    """How many conjugate-gradient steps are spent (FRTM section 3.5)."""

    first_frame: tuple[int, ...] = (5, 10, 10, 10, 10)
    """CG steps in each Gauss-Newton step of the joint fit of w1 and w2."""
    update: int = 20
    """CG steps of each later fit of w2 alone. The paper has 10, and 5 where it is to be fast; here a step
    costs little, and J&F of frtm-rn18 on nine sequences of DAVIS 2016 val is 84.8 with 5, 85.6 with 10 and
    86.3 with 20."""
    refit: bool = True
    """Whether w2 is fitted once more to the first frame's samples, with the steps of an update."""

    def adapted(self, settings: TrackerSettings) -> "FitSchedule":
        """The schedule with the numbers that the settings name in place of the model's own."""
        first = self.first_frame
        if settings.initial_steps is not None:
            first = (_FIRST_STEPS, *[_STEPS] * (settings.initial_steps - 1))
        update = self.update if settings.update_steps is None else settings.update_steps
        return FitSchedule(first, update, self.refit and settings.refit)


OURS = FitSchedule()
OURS_FAST = FitSchedule(first_frame=(5, 10, 10, 10))


class TargetModel:
    """D of O objects. All are independent; the leading dimension runs over them.

    Attributes:
        w1: (O, 96, C).
        w2: (O, 9, 96); entry [o, 3*i+j] is the kernel's row i, column j.
    """

    def __init__(self, w1: Tensor, w2: Tensor) -> None:
        self.w1 = w1
        self.w2 = w2

    @classmethod
    def random(cls, channels: int, seeds: Sequence[int], like: Tensor) -> "TargetModel":
        """A random start, one seed per object so that an object does not depend on its company.

        Args:
            channels: C of the features.
            seeds: one per object.
            like: a tensor of the device and dtype to use.
        """
        w1, w2 = [], []
        for seed in seeds:
            generator = torch.Generator().manual_seed(seed)
            # Uniform in +-1/sqrt(fan-in), the customary start of a convolution.
            w1.append((torch.rand(HIDDEN, channels, generator=generator) * 2 - 1) / math.sqrt(channels))
            w2.append((torch.rand(9, HIDDEN, generator=generator) * 2 - 1) / math.sqrt(9 * HIDDEN))
        return cls(upload(torch.stack(w1), like), upload(torch.stack(w2), like))

    def scores(self, features: Tensor) -> Tensor:
        """Coarse scores, about 1 on the target and 0 off it; differentiable in the features.

        Args:
            features: (B, C, h, w), of layer3.

        Returns:
            (B, O, h, w).
        """
        frames, channels, h, w = features.shape
        kernel = (self.w2 @ self.w1).reshape(-1, channels)  # (O*9, C)
        maps = kernel @ features.flatten(2)  # (B, O*9, h*w)
        return gather(maps.view(frames, -1, 9, h, w))


def gather(maps: Tensor) -> Tensor:
    """Sum nine maps, each taken at its own neighbour: (..., 9, h, w) -> (..., h, w)."""
    h, w = maps.shape[-2:]
    taps = F.pad(maps, (1, 1, 1, 1)).unflatten(-3, (3, 3))  # (..., i, j, h+2, w+2)
    # One sum over strided dimensions would take five times as long on a CPU.
    rows: Tensor = taps[..., 0, :, :w] + taps[..., 1, :, 1 : w + 1] + taps[..., 2, :, 2:]
    return rows[..., 0, :h, :] + rows[..., 1, 1 : h + 1, :] + rows[..., 2, 2:, :]


def scatter(maps: Tensor) -> Tensor:
    """The transpose of `gather`: (..., h, w) -> (..., 9, h, w)."""
    return neighbours(maps).flip(-3)


@torch.no_grad()
def fit_target_model(
    features: Tensor,
    labels: Tensor,
    sample_weights: Tensor,
    schedule: FitSchedule = OURS,
    seeds: Sequence[int] | None = None,
) -> TargetModel:
    """Fit w1 and w2 jointly to labelled samples: step 2 of Algorithm 1. No gradient flows through the fit.

    Args:
        features: (O, K, C, h, w), each object's own K samples, float32 or float64.
        labels: (O, K, H, W) in [0, 1], of the same type.
        sample_weights: (K,), gamma of eq. (2); should sum to one.
        schedule: the numbers of CG steps.
        seeds: of each object's random start; 0, 1, ... by default.

    Returns:
        The target models of the O objects.
    """
    objects, _, channels = features.shape[:3]
    start = TargetModel.random(channels, seeds or range(objects), features)
    return gauss_newton(start, features, labels, sample_weights.to(features), schedule)


def gauss_newton(
    model: TargetModel, features: Tensor, labels: Tensor, sample_weights: Tensor, schedule: FitSchedule
) -> TargetModel:
    """Fit w1 and w2 from a given start; all arguments are on one device, and the host waits for nothing."""
    loss = _Loss(features, labels, sample_weights.view(1, -1))
    for steps in schedule.first_frame:
        w1, w2 = model.w1, model.w2

        def curvature(p: Vector, w1: Tensor = w1, w2: Tensor = w2) -> Vector:  # J' S J p + lambda p
            q = loss.curvature(w2 @ p[0] + p[1] @ w1)
            return w2.mT @ q + LAMBDA[0] * p[0], q @ w1.mT + LAMBDA[1] * p[1]

        q = loss.descent(w2 @ w1)
        descent = (w2.mT @ q - LAMBDA[0] * w1, q @ w1.mT - LAMBDA[1] * w2)
        step = conjugate_gradient(curvature, descent, PRECONDITIONER, steps)
        model = TargetModel(w1 + step[0], w2 + step[1])
    return model


def fit_last_layer(
    model: TargetModel, features: Tensor, labels: Tensor, sample_weights: Tensor, steps: int
) -> TargetModel:
    """Fit w2 alone to samples, as `refit_last_layer` does to their memory; differentiable in the features.

    With w1 fixed eq. (2) is quadratic in w2, of Hessian H, so its minimum moves by H^-1 d when the descent at
    it moves by d. The gradient takes this way, and H^-1 is once more an approximation by conjugate gradients.
    (Gradients through all iterations of the joint fit explode.)

    Args:
        model: of O objects.
        features: (O, K, C, h, w).
        labels: (O, K, H, W) in [0, 1].
        sample_weights: (O, K), summing to one for each object.
        steps: of conjugate gradients.
    """
    w1, w2 = model.w1.detach(), model.w2.detach()
    loss = _Loss(features, labels, sample_weights)

    def descent(w2: Tensor) -> Tensor:
        return loss.descent(w2 @ w1) @ w1.mT - LAMBDA[1] * w2

    def curvature(p: Vector) -> Vector:
        return (loss.curvature(p[0] @ w1) @ w1.mT + LAMBDA[1] * p[0],)

    @torch.no_grad()
    def solve(residual: Tensor) -> Tensor:
        return conjugate_gradient(curvature, (residual,), PRECONDITIONER[1:], steps)[0]

    with torch.no_grad():
        w2 = w2 + solve(descent(w2))
    if torch.is_grad_enabled() and features.requires_grad:
        w2 = w2 + _Movement.apply(descent(w2), solve)
    return TargetModel(w1, w2)


class _Movement(torch.autograd.Function):
    """How a minimum moves with the descent at it: zero, with the gradient of H^-1 d."""

    @staticmethod
    def forward(ctx: Any, descent: Tensor, solve: Callable[[Tensor], Tensor]) -> Tensor:
        """The descent counts as zero: what is left of it is left by choice, not to be made up for here."""
        ctx.solve = solve
        return torch.zeros_like(descent)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """H is symmetric."""
        return ctx.solve(gradients[0]), None


class _Loss:
    """The data term of eq. (2) as a function of A = w2 w1, (O, 9, C).

    Args:
        features: (O, K, C, h, w).
        labels: (O, K, H, W).
        sample_weights: (O or 1, K).
    """

    def __init__(self, features: Tensor, labels: Tensor, sample_weights: Tensor) -> None:
        self._grid = features.shape[-2:]
        self._x = features.flatten(3)  # (O, K, C, n), n = h*w
        equations = score_equations(labels.flatten(0, 1), self._grid)
        gamma = sample_weights[..., None, None]
        stencil = equations.stencil.unflatten(0, labels.shape[:2])
        self._stencil = stencil * gamma.unsqueeze(2)  # (O, K, 9, h, w)
        self._target = equations.target.unflatten(0, labels.shape[:2]) * gamma  # (O, K, h, w)

    def curvature(self, kernel: Tensor) -> Tensor:
        """Half the change of the gradient by A when A changes by `kernel`."""
        return self._correlate(apply_stencil(self._stencil, self._scores(kernel)))

    def descent(self, kernel: Tensor) -> Tensor:
        """Minus half the gradient by A."""
        return self._correlate(self._target - apply_stencil(self._stencil, self._scores(kernel)))

    def _scores(self, kernel: Tensor) -> Tensor:  # (O, 9, C) -> (O, K, h, w)
        return gather((kernel.unsqueeze(1) @ self._x).unflatten(-1, self._grid))

    def _correlate(self, residual: Tensor) -> Tensor:  # (O, K, h, w) -> Q (O, 9, C)
        return (scatter(residual).flatten(-2) @ self._x.mT).sum(1)
