"""Several processes under torchrun."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist


@contextmanager
def several_processes(device: torch.device) -> Iterator[torch.device]:
    """Join the other processes that torchrun has started, and leave them at the end; without torchrun do
    nothing.

    Args:
        device: that was asked for.

    Yields:
        The device of this process: under torchrun with CUDA, one GPU for each.
    """
    if "LOCAL_RANK" not in os.environ:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()
