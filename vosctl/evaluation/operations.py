"""How many operations a model needs, and how many a machine can do: the bound that speed is held against.

PyTorch's own counter counts the multiplications and additions of convolutions and matrix products on the
`meta` device, which has shapes and no data. Of networks the convolutions of the published form count, so
that a faster way to the same result raises the share that is reached instead of the number of operations.
"""

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from vosctl.systems.agame.network import AGAME, STRIDE
from vosctl.systems.backbone import Features, ResNet
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.frtm.target_memory import TAPS, refit_last_layer
from vosctl.systems.frtm.target_model import HIDDEN, TargetModel, fit_target_model
from vosctl.systems.model import AGAMEModel, FRTMModel, Model
from vosctl.systems.settings import TrackerSettings

_SECONDS = 1.0  # spent on measuring the machine
_SIDE = {"cpu": 2048, "cuda": 8192}  # of the matrices


def count_operations(
    model: Model, settings: TrackerSettings, size: tuple[int, int], objects: int
) -> dict[str, float]:
    """Operations by stage of `Stopwatch`; a stage that computes next to nothing is not in it.

    Args:
        model: its architecture counts, not its weights.
        settings: of the tracker.
        size: (width, height) that the networks see.
        objects: how many are followed.

    Returns:
        For all objects of one frame for "first frame", per update for "update"; all others, which the two
        systems have stages of their own for, per frame after the first.
    """
    if isinstance(model, AGAMEModel):
        return _of_agame(model, size, objects)
    assert isinstance(model, FRTMModel)
    return _of_frtm(model, settings, size, objects)


def _of_agame(model: AGAMEModel, size: tuple[int, int], objects: int) -> dict[str, float]:
    width, height = (side + -side % STRIDE for side in size)
    with FakeTensorMode():  # shapes alone, as "meta"; but of a device, which autocast has to know
        backbone = ResNet(model.backbone.name, dilated_layer4=True)
        network = AGAME(backbone.channels, model.network.options)
        image = torch.empty(1, 3, height, width)
        features: Features = backbone(image)
        masks = torch.empty(1, objects, height // STRIDE, width // STRIDE)
        state = network.start(features.layer4, masks)
        encoding = network(features.layer4, state).encoding
        each_frame = _count(lambda: backbone(image), convolutions=True)
        start = _count(lambda: network.start(features.layer4, masks), convolutions=True)
        coarse = _count(lambda: network(features.layer4, state), convolutions=True)
        refine = _count(lambda: network.upsampling(encoding, features, (height, width)), convolutions=True)
    return {
        "first frame": each_frame + start,
        "features": each_frame,
        "coarse masks": coarse,
        "upsampling": refine,
    }


def _of_frtm(
    model: FRTMModel, settings: TrackerSettings, size: tuple[int, int], objects: int
) -> dict[str, float]:
    width, height = size
    samples, refines = settings.initial_samples, model.refinement is not None and settings.refine
    with torch.device("meta"):
        backbone = ResNet(model.backbone.name, 4 if refines else 3)
        image = torch.empty(1, 3, height, width)
        features: Features = backbone(image)
        channels, h, w = features.layer3.shape[1:]
        target = TargetModel(torch.empty(objects, HIDDEN, channels), torch.empty(objects, 9, HIDDEN))
        label = torch.empty(1, 1, height, width)
        several = features.layer3.expand(1, samples, channels, h, w), label.expand(1, samples, height, width)
        weights = torch.empty(samples)
        seen = TAPS * HIDDEN  # what w2 sees at a cell
        normal, rhs = torch.empty(1, seen, seen), torch.empty(1, seen)

    def refit() -> None:
        refit_last_layer(target.w2[:1], normal, rhs, model.schedule.update)

    operations = {
        "features": _count(lambda: backbone(image), convolutions=True),
        "target model": _count(lambda: target.scores(features.layer3)),
    }
    fit = _count(lambda: fit_target_model(*several, weights, model.schedule, [0]))
    # w1 x, S X, two thirds of X' S X (it is symmetric) and X' t, S having nine entries a row: not as the
    # products that are made of them.
    remember = 2.0 * h * w * (channels * HIDDEN + TAPS * seen + seen**2 * 2 / 3 + seen)
    update = _count(refit)
    each_sample = _count(lambda: backbone(image, 3), convolutions=True)
    operations["first frame"] = (
        each_sample * (1 + objects * (samples - 1)) + (fit + samples * remember + update) * objects
    )
    if settings.update:
        operations["memory"] = remember * objects
        operations["update"] = update * objects
    if refines:
        assert model.refinement is not None
        with torch.device("meta"):
            refinement = RefinementNetwork(backbone.channels, model.refinement.prior, model.refinement.width)
            maps = torch.empty(1, 1, h, w)
        prior = (maps,) if refinement.prior else ()
        operations["refinement"] = objects * _count(
            lambda: refinement(features, maps, (height, width), *prior), convolutions=True
        )
    return operations


def product_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a large product: the best of about a second.

    It is tried as a square matrix product and as a 3x3 convolution: two libraries compute them on a CPU, and
    on some the one is twice as fast as the other.
    """
    side = _SIDE.get(device.type, _SIDE["cpu"])
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    x = torch.randn(4, side // 8, 64, 64, device=device, dtype=dtype)
    weight = torch.randn(side // 8, side // 8, 3, 3, device=device, dtype=dtype)
    x, weight = (t.contiguous(memory_format=torch.channels_last) for t in (x, weight))
    products: list[tuple[Callable[[], object], float]] = [
        (lambda: torch.mm(a, b), 2.0 * side**3),
        (lambda: F.conv2d(x, weight, padding=1), 2.0 * weight.numel() * x.numel() / x.shape[1]),
    ]
    best, until = 0.0, time.perf_counter() + _SECONDS
    while time.perf_counter() < until or best == 0:
        for multiply, operations in products:
            start = time.perf_counter()
            multiply()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            best = max(best, operations / (time.perf_counter() - start))
    return best


@torch.no_grad()
def _count(work: Callable[[], object], *, convolutions: bool = False) -> float:
    """The operations of `work`, of everything in it or of its convolutions alone."""
    with FlopCounterMode(display=False) as counter:
        work()
    by_operator = counter.get_flop_counts()["Global"]
    return float(
        sum(count for name, count in by_operator.items() if not convolutions or "convolution" in str(name))
    )
