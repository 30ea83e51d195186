"""The fit on the score grid against eq. (2) written out at full resolution, with autograd, in float64.

Tests systems/frtm/conjugate_gradient.py too.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.systems.frtm.pixel_weights import pixel_weights
from vosctl.systems.frtm.target_memory import TargetMemory, refit_last_layer
from vosctl.systems.frtm.target_model import (
    HIDDEN,
    LAMBDA,
    PRECONDITIONER,
    FitSchedule,
    TargetModel,
    fit_last_layer,
    fit_target_model,
)

SIZE, GRID, CHANNELS, SAMPLES = (50, 83), (7, 11), 12, 3
SCHEDULE = FitSchedule(first_frame=(3, 4, 4), update=4)


def make_samples(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(SAMPLES, CHANNELS, *GRID, generator=generator, dtype=torch.float64)
    labels = torch.zeros(SAMPLES, *SIZE, dtype=torch.float64)
    for sample in range(SAMPLES):
        labels[sample, 8 + sample : 30, 20 : 41 + 5 * sample] = 1
    labels[2] *= 0.8  # soft, as predicted labels are
    return features, labels, torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)


def plain_scores(w1: Tensor, w2: Tensor, features: Tensor) -> Tensor:
    z = F.conv2d(features, w1[:, :, None, None])
    return F.conv2d(z, w2.T.reshape(1, HIDDEN, 3, 3), padding=1)


def plain_residuals(w1: Tensor, w2: Tensor, samples: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """All residuals of eq. (2) as one vector, so that the loss is its square."""
    features, labels, gamma = samples
    enlarged = F.interpolate(
        plain_scores(w1, w2, features), SIZE, mode="bilinear", align_corners=False
    ).squeeze(1)
    data = (gamma[:, None, None] * pixel_weights(labels)).sqrt() * (enlarged - labels)
    return torch.cat([data.flatten(), LAMBDA[0] ** 0.5 * w1.flatten(), LAMBDA[1] ** 0.5 * w2.flatten()])


def plain_fit(samples: tuple[Tensor, Tensor, Tensor], seed: int) -> tuple[Tensor, Tensor, list[float]]:
    """Gauss-Newton with autograd's Jacobian products and textbook conjugate gradients."""
    start = TargetModel.random(CHANNELS, [seed], samples[0])
    w = torch.cat([start.w1.flatten(), start.w2.flatten()])
    scale = torch.cat(
        [
            torch.full((start.w1.numel(),), PRECONDITIONER[0]),
            torch.full((start.w2.numel(),), PRECONDITIONER[1]),
        ]
    ).double()

    def residuals(w: Tensor) -> Tensor:
        w1, w2 = w.split([HIDDEN * CHANNELS, 9 * HIDDEN])
        return plain_residuals(w1.view(HIDDEN, CHANNELS), w2.view(9, HIDDEN), samples)

    losses = [float(residuals(w).square().sum())]
    for steps in SCHEDULE.first_frame:
        r = -torch.autograd.functional.vjp(residuals, w, residuals(w))[1]
        x, p, last_r, last_rho = torch.zeros_like(w), torch.zeros_like(w), r, torch.tensor(1.0)
        for step in range(steps):
            y = r / scale
            rho = r @ y
            beta = ((rho - last_r @ y) / last_rho).clamp(min=0) if step else 0.0
            p = y + beta * p
            jp = torch.autograd.functional.jvp(residuals, w, p)[1]
            q = torch.autograd.functional.vjp(residuals, w, jp)[1]
            alpha = rho / (p @ q)
            x, last_r, last_rho, r = x + alpha * p, r, rho, r - alpha * q
        w = w + x
        losses.append(float(residuals(w).square().sum()))
    w1, w2 = w.split([HIDDEN * CHANNELS, 9 * HIDDEN])
    return w1.view(HIDDEN, CHANNELS), w2.view(9, HIDDEN), losses


def test_the_fit_equals_gauss_newton_with_autograd_at_full_resolution() -> None:
    samples = make_samples(0)
    features, labels, gamma = samples
    fitted = fit_target_model(features[None], labels[None], gamma, SCHEDULE, [7])
    w1, w2, losses = plain_fit(samples, 7)
    assert losses[-1] < 0.5 * losses[0]
    torch.testing.assert_close(fitted.w1[0], w1, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(fitted.w2[0], w2, rtol=1e-6, atol=1e-8)
    reached = plain_residuals(fitted.w1[0], fitted.w2[0], samples).square().sum()
    assert float(reached) == pytest.approx(losses[-1], rel=1e-9)


def test_float32_reaches_the_loss_of_float64() -> None:
    features, labels, gamma = make_samples(1)
    wide = fit_target_model(features[None], labels[None], gamma, SCHEDULE, [3])
    narrow = fit_target_model(features[None].float(), labels[None].float(), gamma.float(), SCHEDULE, [3])
    losses = [
        float(plain_residuals(m.w1[0].double(), m.w2[0].double(), (features, labels, gamma)).square().sum())
        for m in (wide, narrow)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_an_object_does_not_depend_on_its_company(dtype: torch.dtype, tolerance: float) -> None:
    (fa, la, gamma), (fb, lb, _) = ([part.to(dtype) for part in make_samples(seed)] for seed in (0, 1))
    together = fit_target_model(torch.stack([fa, fb]), torch.stack([la, lb]), gamma, SCHEDULE, [7, 9])
    alone = fit_target_model(fb[None], lb[None], gamma, SCHEDULE, [9])
    torch.testing.assert_close(together.w2[1], alone.w2[0], rtol=tolerance, atol=tolerance * 1e-2)
    assert not torch.allclose(together.w2[0], together.w2[1])


def test_scores_are_the_two_convolutions() -> None:
    features = make_samples(0)[0]
    model = TargetModel.random(CHANNELS, [1, 2], features)
    expected = torch.cat(
        [plain_scores(w1, w2, features) for w1, w2 in zip(model.w1, model.w2, strict=True)], 1
    )
    torch.testing.assert_close(model.scores(features), expected)


def test_an_empty_label_does_not_give_nan() -> None:
    features, labels, gamma = make_samples(0)
    model = fit_target_model(features[None], torch.zeros_like(labels)[None], gamma, SCHEDULE, [0])
    assert torch.isfinite(model.w1).all()
    assert torch.isfinite(model.w2).all()
    assert model.scores(features).abs().max() < 0.5


def test_scores_pass_gradients_to_the_features_but_the_fit_does_not() -> None:
    features, labels, gamma = make_samples(0)
    reference = features[None].requires_grad_()
    model = fit_target_model(reference, labels[None], gamma, SCHEDULE, [0])
    assert not model.w1.requires_grad
    test = features.clone().requires_grad_()
    model.scores(test).sum().backward()
    assert test.grad is not None
    assert test.grad.abs().sum() > 0


def test_the_last_layer_is_fitted_as_from_a_memory() -> None:
    features, labels, gamma = (part[None] for part in make_samples(0))
    model = TargetModel.random(CHANNELS, [4], features)
    memory = TargetMemory.of(model.w1, features, labels, gamma)
    expected = refit_last_layer(model.w2, memory.normal, memory.rhs, 12)
    torch.testing.assert_close(fit_last_layer(model, features, labels, gamma, 12).w2, expected)


def test_the_last_layers_gradient_is_that_of_its_minimum() -> None:
    """Against differences of whole fits, each carried on until it has converged."""
    features, labels, gamma = (part[None] for part in make_samples(0))
    model = TargetModel.random(CHANNELS, [4], features)
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(1, 9, HIDDEN, generator=generator, dtype=torch.float64)
    direction = torch.randn(features.shape, generator=generator, dtype=torch.float64)

    def value(x: Tensor) -> Tensor:
        return (weights * fit_last_layer(model, x, labels, gamma, 3000).w2).sum()

    (gradient,) = torch.autograd.grad(value(features.requires_grad_()), features)
    with torch.no_grad():
        difference = (value(features + 1e-5 * direction) - value(features - 1e-5 * direction)) / 2e-5
    assert float((gradient * direction).sum()) == pytest.approx(float(difference), rel=1e-4)
