"""How many operations a piece of work takes, by PyTorch's own counter."""

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode


@torch.no_grad()
def count_operations_of(work: Callable[[], object], *, convolutions: bool = False) -> float:
    """Multiplications and additions of convolutions and matrix products.

    Args:
        work: does them; on the `meta` device, which has shapes and no data, nothing is computed.
        convolutions: count those of convolutions alone.
    """
    with FlopCounterMode(display=False) as counter:
        work()
    by_operator = counter.get_flop_counts()["Global"]
    return float(
        sum(count for name, count in by_operator.items() if not convolutions or "convolution" in str(name))
    )
