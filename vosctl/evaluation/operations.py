"""How many operations a model needs, and how many a machine can do: the bound that speed is held against.

PyTorch's own counter counts the multiplications and additions of convolutions and matrix products on the
`meta` device, which has shapes and no data. Of networks the convolutions of the published form count, so
that a faster way to the same result raises the share that is reached instead of the number of operations.
"""

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812

from vosctl.systems.catalogue import system_named
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.systems.views import VIEWS
from vosctl.tracking.padding import padded_size

_SECONDS = 1.0  # spent on measuring the machine
_SIDE = {"cpu": 2048, "cuda": 8192}  # of the matrices


def count_operations(
    model: Model, settings: TrackerSettings, size: tuple[int, int], objects: int
) -> dict[str, float]:
    """Operations by stage of `Stopwatch`; a stage that computes next to nothing is not in it.

    Args:
        model: its architecture counts, not its weights.
        settings: of the tracker.
        size: (width, height) of the frames that the networks see; what they are padded to is counted.
        objects: how many are followed.

    Returns:
        For all objects of one frame for "first frame", per update for "update"; all others, which each system
        has stages of its own for, per frame after the first.
    """
    tracking = system_named(model.system).tracking
    assert tracking is not None  # a system that follows nothing makes no models
    total: dict[str, float] = {}
    for view in VIEWS[: settings.views]:
        width, height = view.size_of(padded_size(size))
        for stage, count in tracking.count_operations(model, settings, (width, height), objects).items():
            total[stage] = total.get(stage, 0.0) + count
    return total


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
