"""The memory as one matrix against a stored memory of samples, eq. (2) at full resolution, in float64."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vosctl.models.normal_equations import pixel_weights
from vosctl.models.target_memory import TargetMemory, next_share, refit_last_layer
from vosctl.models.target_model import HIDDEN, LAMBDA

SIZE, GRID, CHANNELS = (37, 50), (5, 7), 6
RATE = 0.1


def sample(seed: int, count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(count, CHANNELS, *GRID, generator=generator, dtype=torch.float64)
    labels = torch.zeros(count, *SIZE, dtype=torch.float64)
    labels[:, 5:25, 10:30] = torch.rand(count, 20, 20, generator=generator, dtype=torch.float64)
    return features, labels


def stored_weights(initial: Tensor, frames: int) -> Tensor:
    """Gamma with every sample kept: gamma_i = gamma_{i-1} / (1 - eta), normalised after each.

    The first frame's samples together weigh 1 / (1 - eta) when the first new one joins them with eta.
    """
    gammas = [float(g) / (1 - RATE) for g in initial]
    newest = RATE
    for frame in range(frames):
        if frame:
            newest = newest / (1 - RATE)
        gammas.append(newest)
        total = sum(gammas)
        gammas = [g / total for g in gammas]
        newest = gammas[-1]
    return torch.tensor(gammas, dtype=torch.float64)


def full_resolution_loss(w2: Tensor, w1: Tensor, features: Tensor, labels: Tensor, gamma: Tensor) -> Tensor:
    z = F.conv2d(features, w1[:, :, None, None])
    scores = F.conv2d(z, w2.T.reshape(1, HIDDEN, 3, 3), padding=1)
    enlarged = F.interpolate(scores, SIZE, mode="bilinear", align_corners=False).squeeze(1)
    data = (gamma[:, None, None] * pixel_weights(labels) * (labels - enlarged).square()).sum()
    return data + LAMBDA[1] * w2.square().sum()


def test_the_matrix_is_the_stored_memory() -> None:
    generator = torch.Generator().manual_seed(5)
    w1 = torch.randn(HIDDEN, CHANNELS, generator=generator, dtype=torch.float64)
    w2 = torch.randn(9, HIDDEN, generator=generator, dtype=torch.float64) * 0.05
    first = sample(0, 3)
    later = sample(1, 12)
    initial = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64)

    memory = TargetMemory(w1)
    memory.start(*first, initial)
    for part in (slice(0, 8), slice(8, 9), slice(9, 12)):  # windows of any length
        memory.extend(later[0][part], later[1][part], RATE)

    features, labels = torch.cat([first[0], later[0]]), torch.cat([first[1], later[1]])
    gamma = stored_weights(initial, 12)
    free = w2.clone().requires_grad_()
    loss = full_resolution_loss(free, w1, features, labels, gamma)
    (gradient,) = torch.autograd.grad(loss, free)
    flat = w2.flatten()
    found = 2 * (memory.normal @ flat - memory.moment + LAMBDA[1] * flat)
    torch.testing.assert_close(found, gradient.flatten(), rtol=1e-9, atol=1e-9)

    # And enough steps reach the minimum of the plain loss.
    fitted = refit_last_layer(w2[None], [memory], steps=400)[0].requires_grad_()
    before = full_resolution_loss(w2, w1, features, labels, gamma)
    after = full_resolution_loss(fitted, w1, features, labels, gamma)
    assert float(after.detach()) < 0.05 * float(before)
    (rest,) = torch.autograd.grad(after, fitted)
    assert float(rest.norm()) < 1e-5 * float(gradient.norm())


def test_shares_follow_the_papers_recursion() -> None:
    share, expected = 0.0, stored_weights(torch.ones(1), 30)
    shares = [1.0]
    for _ in range(30):
        share = next_share(share, RATE)
        shares = [s * (1 - share) for s in shares] + [share]
    torch.testing.assert_close(torch.tensor(shares, dtype=torch.float64), expected)
    assert share == pytest.approx(RATE, rel=0.1)


def test_objects_are_refitted_independently() -> None:
    memories = []
    for seed in range(2):
        memory = TargetMemory(torch.randn(HIDDEN, CHANNELS, dtype=torch.float64))
        memory.start(*sample(seed, 2), torch.tensor([0.5, 0.5]))
        memories.append(memory)
    w2 = torch.randn(2, 9, HIDDEN, dtype=torch.float64)
    both = refit_last_layer(w2, memories, 5)
    torch.testing.assert_close(both[1], refit_last_layer(w2[1:], memories[1:], 5)[0], rtol=1e-9, atol=1e-12)


def test_rounded_factors_leave_the_sums_float32() -> None:
    features, labels = (part.float() for part in sample(2, 6))
    w1 = torch.randn(HIDDEN, CHANNELS, generator=torch.Generator().manual_seed(6))
    exact, rounded = TargetMemory(w1), TargetMemory(w1, torch.bfloat16)
    for memory in (exact, rounded):
        memory.extend(features, labels, RATE)
    assert rounded.normal.dtype == torch.float32
    assert float((rounded.normal - exact.normal).norm() / exact.normal.norm()) < 3e-3
    assert torch.get_float32_matmul_precision() == "highest"  # for everybody else
