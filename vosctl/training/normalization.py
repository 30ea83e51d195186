"""Statistics for a backbone whose BatchNorms were folded away.

Some weight files carry BatchNorms that do nothing: mean 0, variance 1. Real statistics, with the scale and
the offset changed so that the network computes what it did, give the optimiser numbers of the usual size to
work on.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vosctl.systems.backbone import ResNet


def lacks_statistics(backbone: ResNet) -> bool:
    """Whether a BatchNorm of the backbone has mean 0 throughout."""
    return any(isinstance(m, nn.BatchNorm2d) and not m.running_mean.any() for m in backbone.modules())  # type: ignore[union-attr]


@torch.no_grad()
def measure_statistics(backbone: ResNet, batches: Iterable[Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and variance of what each BatchNorm gets to see.

    Args:
        backbone: in evaluation mode.
        batches: of images (B, 3, H, W) in [0, 1].

    Returns:
        By the module's name: mean and variance, (C,) each.
    """
    sums: dict[str, list[Tensor]] = {}
    hooks = []
    for name, module in backbone.named_modules():
        if isinstance(module, nn.BatchNorm2d):

            def note(_: nn.Module, inputs: tuple[Tensor, ...], name: str = name) -> None:
                x = inputs[0].float().transpose(0, 1).flatten(1)  # (C, B*h*w)
                sums.setdefault(name, []).append(torch.stack([x.mean(1), (x * x).mean(1)]))

            hooks.append(module.register_forward_pre_hook(note))
    try:
        for images in batches:
            backbone(images)
    finally:
        for hook in hooks:
            hook.remove()
    result = {}
    for name, moments in sums.items():
        mean, square = torch.stack(moments).mean(0)
        result[name] = (mean, (square - mean * mean).clamp_min(1e-6))
    return result


@torch.no_grad()
def insert_statistics(state: dict[str, Tensor], statistics: dict[str, tuple[Tensor, Tensor]]) -> None:
    """Give the BatchNorms of a state dict other statistics, in place, without changing what they compute.

    Args:
        state: of a backbone.
        statistics: from `measure_statistics`.
    """
    epsilon = 1e-5  # nn.BatchNorm2d's
    for name, (mean, variance) in statistics.items():
        weight, bias, old_mean, old_variance = (
            state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        old_deviation = (old_variance + epsilon).sqrt()
        bias += weight * (mean - old_mean) / old_deviation
        weight *= (variance + epsilon).sqrt() / old_deviation
        old_mean.copy_(mean)
        old_variance.copy_(variance)
        state[f"{name}.num_batches_tracked"] += 1
