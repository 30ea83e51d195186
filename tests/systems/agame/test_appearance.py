import numpy as np
import torch
from torch import Tensor

from tests.small import overlap
from vosctl.systems.agame.appearance import AppearanceModule, Gaussians


def embedding(width: int, *, unimodal: bool = False) -> AppearanceModule:
    """A module whose features are its input: the projection is the identity."""
    torch.manual_seed(0)
    module = AppearanceModule(width, width, unimodal=unimodal).double()
    module.reduce.weight.data = torch.eye(width, dtype=torch.float64)[:, :, None, None]
    module.reduce.bias.data.zero_()
    return module


def slow_learn(
    module: AppearanceModule, x: np.ndarray, mask: np.ndarray, previous: list | None, rate: float
) -> list:
    """Algorithm 1's update cell by cell, for one object: x (P, D), mask (P,) -> K pairs of mean, variance."""
    floor = np.log1p(np.exp(module.regulariser.detach().numpy()))
    cells = len(x)

    def fit(alpha: np.ndarray, component: int) -> tuple[np.ndarray, np.ndarray]:
        total = sum(alpha) + 1 / cells
        mean = sum(a * row for a, row in zip(alpha, x, strict=True)) / total
        spread = sum(a * (row - mean) ** 2 for a, row in zip(alpha, x, strict=True)) / total
        return mean, spread + floor[component]

    def score(row: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> float:
        return -(np.log(variance).sum() + ((row - mean) ** 2 / variance).sum()) / 2

    found = [fit(1 - mask, 0), fit(mask, 1)]
    scores = np.array([[score(row, *component) for component in found] for row in x])
    posteriors = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    found.append(fit(np.maximum(0, (1 - mask) - posteriors[:, 0]), 2))
    found.append(fit(np.maximum(0, mask - posteriors[:, 1]), 3))
    if previous is None:
        return found
    return [
        tuple((1 - rate) * old + rate * new for old, new in zip(*pair, strict=True))
        for pair in zip(previous, found, strict=True)
    ]


def test_learning_and_scores_are_the_papers_equations() -> None:
    rng = np.random.default_rng(0)
    module = embedding(3)
    module.regulariser.data = torch.from_numpy(rng.normal(-2, 0.5, (4, 3)))
    frames = rng.normal(size=(2, 2, 3, 4, 5))  # frames, clips
    masks = rng.uniform(size=(2, 2, 2, 4, 5))  # frames, clips, objects
    masks[0] = masks[0] > 0.6
    state: Gaussians | None = None
    slow: dict[tuple[int, int], list] = {}
    for frame, mask in zip(frames, masks, strict=True):
        state = module.learn(torch.from_numpy(frame), torch.from_numpy(mask), state, 0.1)
        for clip in range(2):
            for item in range(2):
                x = frame[clip].reshape(3, -1).T
                y = mask[clip, item].reshape(-1)
                slow[clip, item] = slow_learn(module, x, y, slow.get((clip, item)), 0.1)
                for k, (mean, variance) in enumerate(slow[clip, item]):
                    np.testing.assert_allclose(state.mean[clip, item, k].detach(), mean, atol=1e-12)
                    np.testing.assert_allclose(state.variance[clip, item, k].detach(), variance, atol=1e-12)
    scores = state.scores(torch.from_numpy(frames[0]))
    assert scores.shape == (2, 2, 4, 4, 5)
    mean, variance = slow[1, 0][2]
    row = frames[0, 1, :, 3, 2]
    wanted = -(np.log(variance).sum() + ((row - mean) ** 2 / variance).sum()) / 2
    np.testing.assert_allclose(scores[1, 0, 2, 3, 2].item(), wanted, atol=1e-10)


def test_gradients_flow_through_learning_and_inference() -> None:
    torch.manual_seed(1)
    module = embedding(2)
    x, later = (torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    mask = (torch.rand(1, 1, 3, 3, dtype=torch.float64) > 0.5).double()
    soft = torch.rand(1, 1, 3, 3, dtype=torch.float64, requires_grad=True)

    def run(x: Tensor, later: Tensor, soft: Tensor, _: Tensor) -> Tensor:
        return module.learn(later, soft, module.learn(x, mask), 0.1).scores(later)

    # gradcheck changes its inputs in place, the module's own parameter too.
    assert torch.autograd.gradcheck(run, (x, later, soft, module.regulariser))


def test_an_empty_mask_leaves_everything_finite() -> None:
    module = embedding(4)
    x = torch.randn(1, 4, 6, 6, dtype=torch.float64)
    state = module.learn(x, torch.zeros(1, 1, 6, 6, dtype=torch.float64))
    assert all(part.isfinite().all() for part in (*state, state.scores(x)))
    assert (state.variance > 0).all()


def test_half_precision_around_it_changes_nothing() -> None:
    module = AppearanceModule(8, 16)
    x = torch.randn(1, 16, 12, 12) + 30  # far from 0, where half precision has nothing left for the variance
    mask = (torch.rand(1, 1, 12, 12) > 0.5).float()
    exact = module.learn(x, mask)
    with torch.autocast("cpu", torch.bfloat16):
        cast = module.learn(x, mask)
        assert torch.equal(cast.variance, exact.variance)
        assert torch.equal(cast.scores(x), exact.scores(x))


def cells(rng: np.random.Generator, means: dict[int, tuple[float, float]], classes: np.ndarray) -> Tensor:
    """Features around one mean per class: (H, W) -> (1, 2, H, W)."""
    table = np.array([means[index] for index in sorted(means)])
    values = table[classes] + rng.normal(0, 0.5, (*classes.shape, 2))
    return torch.from_numpy(values).permute(2, 0, 1)[None]


def foreground(scores: Tensor) -> np.ndarray:
    """Where the best component is one of the object's: (1, 1, K, H, W) -> (H, W) bool."""
    return scores[0, 0].argmax(0).remainder(2).bool().numpy()


def test_two_gaussians_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:40, :60]
    first = ((x - 20) ** 2 + (y - 20) ** 2 < 120).astype(int)
    later = ((x - 40) ** 2 + (y - 15) ** 2 < 120).astype(int)
    means = {0: (-1.5, 0.0), 1: (1.5, 1.0)}
    module = embedding(2)
    state = module.learn(cells(rng, means, first), torch.from_numpy(first)[None, None].double())
    found = foreground(state.scores(cells(rng, means, later)))
    assert overlap(found, later == 1) > 0.95


def test_distractors_need_the_secondary_components() -> None:
    """Most background is far off on one side, a distractor close to the object on the other.

    One Gaussian for both is so wide that it calls the distractor the object; one for what the first gets
    wrong finds it.
    """
    assert distractor_overlap(unimodal=False) > 0.9
    assert distractor_overlap(unimodal=False) >= distractor_overlap(unimodal=True) + 0.2


def distractor_overlap(*, unimodal: bool) -> float:
    rng = np.random.default_rng(0)
    classes = np.zeros((40, 60), int)
    classes[5:17, 5:20] = 1  # the object
    classes[25:37, 35:50] = 2  # the distractor
    means = {0: (-4.0, 0.0), 1: (1.0, 0.0), 2: (3.0, 0.0)}
    module = embedding(2, unimodal=unimodal)
    state = module.learn(cells(rng, means, classes), torch.from_numpy(classes == 1)[None, None].double())
    later = np.roll(classes, (1, 4), (0, 1))
    return overlap(foreground(state.scores(cells(rng, means, later))), later == 1)
