"""`--preset paper` against Algorithm 1 of FRTM written down plainly, in float64, with stored samples.

Nothing of the tool's own fit is in the reference: eq. (2) is taken at full resolution, its Jacobian by
automatic differentiation, the memory is a list. The two share F, S, the random starts and the random samples
of the first frame.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.small import overlap
from tests.systems.frtm.pixel_weights import pixel_weights
from vosctl.systems.backbone import Features
from vosctl.systems.frtm.initial_samples import boxes_of, initial_samples
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.frtm.target_model import HIDDEN, OURS, TargetModel
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker

ETA, K_MAX, T_S, SAMPLES = 0.1, 80, 8, 5
LAMBDA, PRECONDITIONER = (1e-8, 1e-4), (1e-4, 1e-2)
FIRST, UPDATE = (5, 10, 10, 10, 10), 10
FRAMES = 100
FEWEST_PIXELS = 10


class Colours(torch.nn.Module):
    """F: waves of the colours, averaged. Of random ResNets' features the fit is so badly conditioned that
    rounding decides."""

    stages, name, channels = 4, "resnet18", (24, 24, 24, 24)

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.weight = torch.nn.Parameter(1.5 * torch.randn(24, 3, 1, 1, generator=generator))
        self.bias = torch.nn.Parameter(2 * math.pi * torch.rand(24, generator=generator))

    def forward(self, images: Tensor, stages: int = 4, any_layout: bool = False) -> Features:
        scale = 255 if images.dtype == torch.uint8 else 1
        x = torch.sin(F.conv2d(images.to(self.weight.dtype) / scale, self.weight, self.bias))
        return Features(*(F.avg_pool2d(x, stride, ceil_mode=True) for stride in (4, 8, 16, 32)))


class Guided(RefinementNetwork):
    """S: the score, enlarged, and a little of what a network of random weights makes of it."""

    def forward(
        self,
        features: Features,
        scores: Tensor,
        size: Sequence[int],
        prior: Tensor | None = None,
        cues: Tensor | None = None,
    ) -> Tensor:
        enlarged = F.interpolate(scores, tuple(size), mode="bilinear", align_corners=False)
        return 8 * (enlarged - 0.5) + 0.05 * super().forward(features, scores, size, prior, cues)


def networks(dtype: torch.dtype) -> FRTMModel:
    torch.manual_seed(0)
    backbone = Colours()
    network = Guided(backbone.channels)
    return FRTMModel("plain", backbone, network, OURS).prepare(torch.device("cpu"), dtype)


class Reference:
    """Algorithm 1 for one object.

    Args:
        network: F and S.
        image: I_0, (3, H, W) in [0, 1].
        mask: y_0, (H, W) of 0 and 1.
        object_id: whose random start it is.
    """

    def __init__(self, network: FRTMModel, image: Tensor, mask: Tensor, object_id: int = 1) -> None:
        self.f, self.s = network.backbone, network.refinement
        self.size = image.shape[-2:]
        images, labels = initial_samples(image, mask, SAMPLES, object_id, boxes_of(mask[None])[0])
        self.xs = [self.f(one[None], 3).layer3[0] for one in images]
        self.ys = list(labels)
        self.gammas = [2 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6]  # 1: the frame itself counts twice
        self.newest = None
        start = TargetModel.random(self.xs[0].shape[0], [object_id], image)
        self.w1 = start.w1[0][:, :, None, None]  # (96, C, 1, 1)
        self.w2 = start.w2[0].T.reshape(1, HIDDEN, 3, 3)
        for steps in FIRST:  # 2: Gauss-Newton over w1 and w2
            self.w1, self.w2 = self.gauss_newton(
                [self.w1, self.w2], lambda w: w, LAMBDA, PRECONDITIONER, steps
            )

    def __call__(self, index: int, image: Tensor) -> np.ndarray:
        """Frame i, counted from 1: its mask (H, W)."""
        features = self.f(image[None])  # 4
        scores = F.conv2d(F.conv2d(features.layer3, self.w1), self.w2, padding=1)  # 5
        prior = torch.zeros_like(scores) if self.s.prior else None
        logits = self.s(features, scores, self.size, prior)[0, 0]  # 6
        y = torch.sigmoid(2 * logits)  # what softmax aggregation makes of one object
        inside = y > 0.5
        if int(inside.sum()) >= FEWEST_PIXELS:
            self.extend(features.layer3[0], torch.where(inside, y, 0.0))  # 7
        if index % T_S == 0:  # 8
            (self.w2,) = self.gauss_newton(  # 9: w1 stays
                [self.w2], lambda w: [self.w1, w[0]], LAMBDA[1:], PRECONDITIONER[1:], UPDATE
            )
        return inside.numpy()

    def extend(self, x: Tensor, y: Tensor) -> None:
        """M_i: the weights follow gamma_i = gamma_{i-1} / (1 - eta) and are normalised."""
        if len(self.xs) == K_MAX:
            smallest = int(np.argmin(self.gammas))
            for part in (self.xs, self.ys, self.gammas):
                del part[smallest]
        if self.newest is None:  # the first frame's samples weigh 1 / (1 - eta) beside gamma_0 = eta
            self.gammas = [gamma / (1 - ETA) for gamma in self.gammas]
            gamma = ETA
        else:
            gamma = self.newest / (1 - ETA)
        self.xs.append(x)
        self.ys.append(y)
        self.gammas.append(gamma)
        total = sum(self.gammas)
        self.gammas = [one / total for one in self.gammas]
        self.newest = self.gammas[-1]

    def gauss_newton(
        self,
        parameters: Sequence[Tensor],
        both: Callable[[Sequence[Tensor]], Sequence[Tensor]],
        regularisation: Sequence[float],
        preconditioner: Sequence[float],
        steps: int,
    ) -> list[Tensor]:
        """One step of eq. (3) with conjugate gradients over the residuals of eq. (2)."""
        x, y = torch.stack(self.xs), torch.stack(self.ys)
        weight = (torch.tensor(self.gammas, dtype=x.dtype)[:, None, None] * pixel_weights(y)).sqrt()

        def residuals(*w: Tensor) -> tuple[Tensor, ...]:
            w1, w2 = both(w)
            scores = F.conv2d(F.conv2d(x, w1), w2, padding=1)
            enlarged = F.interpolate(scores, self.size, mode="bilinear", align_corners=False)[:, 0]
            own = [math.sqrt(share) * one for share, one in zip(regularisation, w, strict=True)]
            return (weight * (y - enlarged), *own)

        free = [one.detach().requires_grad_() for one in parameters]
        with torch.enable_grad():
            r = residuals(*free)
            dummies = [torch.zeros_like(one, requires_grad=True) for one in r]
            # J'v as a function of v, so that its own derivative in direction p is J p.
            transposed = torch.autograd.grad(r, free, dummies, create_graph=True)

        def curvature(p: Sequence[Tensor]) -> Sequence[Tensor]:
            moved = torch.autograd.grad(transposed, dummies, p, retain_graph=True)
            return torch.autograd.grad(r, free, moved, retain_graph=True)

        residual = [
            -one for one in torch.autograd.grad(r, free, [one.detach() for one in r], retain_graph=True)
        ]
        step = [torch.zeros_like(one) for one in parameters]
        direction, previous, rho_before = None, None, None
        for _ in range(steps):
            scaled = [one / m for one, m in zip(residual, preconditioner, strict=True)]
            rho = dot(residual, scaled)
            if direction is None:
                direction = scaled
            else:
                beta = max(0.0, (rho - dot(previous, scaled)) / rho_before)
                direction = [s + beta * d for s, d in zip(scaled, direction, strict=True)]
            product = curvature(direction)
            alpha = rho / dot(direction, product)
            step = [s + alpha * d for s, d in zip(step, direction, strict=True)]
            previous, rho_before = residual, rho
            residual = [one - alpha * p for one, p in zip(residual, product, strict=True)]
        return [one + s for one, s in zip(parameters, step, strict=True)]


def dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    return sum(float((p * q).sum()) for p, q in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def clip() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A disc that goes to and fro over noise and changes its colour: pictures and label maps."""
    width, height, generator = 80, 48, np.random.default_rng(0)
    ground = generator.integers(90, 150, (height, width, 3), np.uint8)
    y, x = np.mgrid[:height, :width]
    pictures, labels = [], []
    for index in range(FRAMES):
        centre = width / 2 + 18 * math.sin(index / 9), height / 2 + 7 * math.sin(index / 5)
        inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= 13**2
        picture = ground.copy()
        picture[inside] = (230 - index // 3, 30 + index // 2, 30)
        picture[inside] -= ((x + y)[inside] % 16).astype(np.uint8)[:, None]
        pictures.append(picture)
        labels.append(inside.astype(np.uint8))
    return pictures, labels


@pytest.fixture(scope="module")
def expected(clip: tuple[list[np.ndarray], list[np.ndarray]]) -> list[np.ndarray]:
    """The reference's masks of all frames but the first."""
    images = [torch.from_numpy(picture).permute(2, 0, 1).double() / 255 for picture in clip[0]]
    with torch.no_grad():
        reference = Reference(networks(torch.float64), images[0], torch.from_numpy(clip[1][0]).double())
        masks = [reference(index, images[index]) for index in range(1, FRAMES)]
    assert len(reference.xs) == K_MAX  # so that samples have been dropped
    return masks


def differing(settings: TrackerSettings, dtype: torch.dtype, clip, expected) -> float:
    """The share of all pixels at which the tool's masks are not the reference's."""
    frames, labels = clip
    tracked = Tracker(networks(dtype), settings).run(frames, {0: labels[0]})
    found = [frame.labels > 0 for frame in tracked][1:]
    return float(np.mean([one != other for one, other in zip(found, expected, strict=True)]))


def test_the_reference_follows_the_object(clip, expected) -> None:
    scores = [overlap(mask, label == 1) for mask, label in zip(expected, clip[1][1:], strict=True)]
    assert np.mean(scores) > 0.4


@pytest.mark.parametrize("size", [K_MAX, None])
def test_the_preset_of_the_paper_gives_the_same_masks(size: int | None, clip, expected) -> None:
    """A pixel in ten thousand may lie so near to the threshold that rounding decides."""
    settings = replace(TrackerSettings.paper(), memory_size=size)
    assert differing(settings, torch.float64, clip, expected) < 1e-4


def test_in_single_precision_nearly_the_same(clip, expected) -> None:
    assert differing(TrackerSettings.paper(), torch.float32, clip, expected) < 2e-3


@pytest.mark.parametrize("other", [{"update_interval": 4}, {"learning_rate": 0.3}])
def test_another_number_gives_other_masks(other: dict[str, float], clip, expected) -> None:
    settings = replace(TrackerSettings.paper(), **other)
    assert differing(settings, torch.float64, clip, expected) > 5e-4
