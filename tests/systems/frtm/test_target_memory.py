"""The memory as one matrix against a stored memory of samples, eq. (2) at full resolution, in float64."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.systems.frtm.pixel_weights import pixel_weights
from vosctl.systems.frtm.memory_schedule import Rate
from vosctl.systems.frtm.target_memory import TargetMemory, next_weights, refit_last_layer
from vosctl.systems.frtm.target_model import HIDDEN, LAMBDA

SIZE, GRID, CHANNELS = (37, 50), (5, 7), 6
RATE = 0.1


def rates(count: int) -> list[Rate]:
    return [Rate(RATE, RATE)] * count


def sample(seed: int, count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(count, CHANNELS, *GRID, generator=generator, dtype=torch.float64)
    labels = torch.zeros(count, *SIZE, dtype=torch.float64)
    labels[:, 5:25, 10:30] = torch.rand(count, 20, 20, generator=generator, dtype=torch.float64)
    return features, labels


def seen(frames: int) -> Tensor:
    """One object, in all frames."""
    return torch.ones(1, frames, dtype=torch.bool)


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

    memory = TargetMemory.of(w1[None], first[0][None], first[1][None], initial[None])
    for part in (slice(0, 8), slice(8, 9), slice(9, 12)):  # windows of any length
        features, labels = later[0][part], later[1][None, part]
        memory = memory.extended(features, labels, seen(len(features)), rates(len(features)))

    features, labels = torch.cat([first[0], later[0]]), torch.cat([first[1], later[1]])
    gamma = stored_weights(initial, 12)
    free = w2.clone().requires_grad_()
    loss = full_resolution_loss(free, w1, features, labels, gamma)
    (gradient,) = torch.autograd.grad(loss, free)
    flat = w2.flatten()
    found = 2 * (memory.normal[0] @ flat - memory.rhs[0] + LAMBDA[1] * flat)
    torch.testing.assert_close(found, gradient.flatten(), rtol=1e-9, atol=1e-9)

    # And enough steps reach the minimum of the plain loss.
    fitted = refit_last_layer(w2[None], memory.normal, memory.rhs, steps=400)[0].requires_grad_()
    before = full_resolution_loss(w2, w1, features, labels, gamma)
    after = full_resolution_loss(fitted, w1, features, labels, gamma)
    assert float(after.detach()) < 0.05 * float(before)
    (rest,) = torch.autograd.grad(after, fitted)
    assert float(rest.norm()) < 1e-5 * float(gradient.norm())


def test_weights_follow_the_papers_recursion() -> None:
    expected = stored_weights(torch.ones(1), 30)
    weights, share = next_weights(torch.zeros(1).double(), seen(30), rates(30))
    torch.testing.assert_close(weights[0], expected[1:])
    assert float(share) == float(weights[0, -1]) == pytest.approx(RATE, rel=0.1)


def test_objects_do_not_depend_on_their_company() -> None:
    """Three as one problem against one by one; each misses other frames."""
    torch.manual_seed(0)
    w1 = torch.randn(3, HIDDEN, CHANNELS, dtype=torch.float64)
    w2 = torch.randn(3, 9, HIDDEN, dtype=torch.float64)
    first = [torch.stack(parts) for parts in zip(*(sample(seed, 2) for seed in range(3)), strict=True)]
    features, _ = sample(7, 4)
    labels = torch.stack([sample(seed, 4)[1] for seed in range(8, 11)])
    there = torch.tensor([[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]], dtype=torch.bool)
    halves = torch.tensor([[0.5, 0.5]], dtype=torch.float64)

    def learn(own: slice) -> tuple[Tensor, ...]:
        memory = TargetMemory.of(w1[own], *(part[own] for part in first), halves.expand(len(w1[own]), -1))
        after = memory.extended(features, labels[own], there[own], rates(there.shape[1]))
        return *after, refit_last_layer(w2[own], after.normal, after.rhs, 5), memory.normal

    together = learn(slice(None))
    for index in range(3):
        alone = learn(slice(index, index + 1))
        for many, one in zip(together, alone, strict=True):
            torch.testing.assert_close(many[index], one[0], rtol=1e-7, atol=1e-9)
    _, normal, _, share, _, before = together
    assert torch.equal(normal[2], before[2])  # never seen, nothing learned
    assert not torch.equal(normal[1], before[1])
    assert share[2] == 0


def test_a_frame_that_is_missed_might_as_well_not_be() -> None:
    w1 = torch.randn(1, HIDDEN, CHANNELS, dtype=torch.float64)
    features, labels = sample(3, 4)
    there = torch.tensor([[True, False, True, False]])
    memory = TargetMemory.of(w1, features[None], labels[None], torch.full((1, 4), 0.25).double())
    some = memory.extended(features, labels[None], there, rates(there.shape[1]))
    kept = memory.extended(features[::2], labels[None, ::2], seen(2), rates(2))
    for one, other in zip(some, kept, strict=True):
        torch.testing.assert_close(one, other)
