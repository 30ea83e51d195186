"""What runs many clips."""

from collections.abc import Iterator, Sequence
from typing import Protocol, Self

from vosctl.compute.available_cores import available_cores
from vosctl.errors import UsageError
from vosctl.job.batch.outcome import Outcome
from vosctl.job.batch.process_engine import OnFrames, Processes
from vosctl.job.request import Request


class Engine(Protocol):
    """Runs clips; a `with` statement holds its processes."""

    def __enter__(self) -> Self:
        """Begins."""

    def __exit__(self, *_: object) -> None:
        """Ends what still runs."""

    def run(self, requests: Sequence[Request], on_frames: OnFrames) -> Iterator[tuple[int, Outcome]]:
        """Gives each clip's place in `requests` and its outcome, as it ends."""


def open_engine(name: str, device: str, at_once: int | None) -> Engine:
    """An engine by name.

    Args:
        name: `processes` for this machine; `ray`, or `ray://HOST:PORT`, for a Ray cluster.
        device: auto for all GPUs there are, else the CPU; or one or several with commas.
        at_once: clips at a time, None for one on each device, or as many as the cluster has room for.

    Raises:
        UsageError: there is no such engine, or Ray is not installed.
        DeviceError: there is no such device.
    """
    if name == "processes":
        devices = _devices(device)
        count = at_once or len(devices)
        is_shared = count > 1 and "cpu" in devices
        return Processes(
            [devices[index % len(devices)] for index in range(count)],
            max(1, available_cores() // count) if is_shared else None,
        )
    if name == "ray" or name.startswith("ray://"):
        from vosctl.job.batch.ray_engine import RayCluster

        return RayCluster(None if name == "ray" else name, device, at_once)
    raise UsageError(f"--engine {name}: not known; use processes, ray or ray://HOST:PORT")


def _devices(names: str) -> list[str]:
    """Each device of `--device`; that it is there is asked here, that it works by the process that uses it.

    This process leaves GPUs alone: it needs none, and some may be held by one process only. One GPU stays
    auto, so that its process may fall back to the CPU and say so.
    """
    from vosctl.compute.devices import named_device
    from vosctl.compute.probe import cuda_count

    if names.strip() == "auto":
        count, _ = cuda_count()
        return [f"cuda:{index}" for index in range(count)] if count > 1 else ["auto" if count else "cpu"]
    return [str(named_device(name.strip())) for name in names.split(",")]
