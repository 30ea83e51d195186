"""Many clips over a Ray cluster (the extra `vosctl[ray]`): each clip is one of Ray's tasks.

Paths must mean the same on all machines of the cluster: a folder that they share.
"""

import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from vosctl.errors import DeviceError, UsageError
from vosctl.job.batch.attempts import ATTEMPTS, go_on
from vosctl.job.batch.clip_runner import ClipRunner
from vosctl.job.batch.outcome import Outcome, Status
from vosctl.job.batch.process_engine import OnFrames
from vosctl.job.request import Request
from vosctl.media.stream_address import stream_address


class RayCluster:
    """Runs clips on a cluster; use it in a `with` statement.

    Args:
        address: ray://HOST:PORT; None for the cluster that RAY_ADDRESS or `ray start` gives, else a new one
            on this machine alone.
        device: auto, for a GPU for each clip where the cluster has any; or cpu.
        at_once: clips at a time, None for as many as the cluster has room for.

    Raises:
        UsageError: Ray is not installed.
        DeviceError: Ray deals out the GPUs; a certain one cannot be had.
    """

    def __init__(self, address: str | None, device: str, at_once: int | None) -> None:
        try:
            import ray
        except ImportError:
            raise UsageError("--engine ray: Ray is not installed; pip install 'vosctl[ray]'") from None
        if device not in ("auto", "cpu"):
            raise DeviceError(f"--device {device}: Ray deals out the GPUs; use auto or cpu")
        self._ray: Any = ray
        self._address = address
        self._device = device
        self._at_once = at_once
        self._is_ours = False

    def __enter__(self) -> "RayCluster":
        """Connects.

        Raises:
            UsageError: there is no cluster at the address.
        """
        if not self._ray.is_initialized():
            # A cluster that is begun here is to tell nobody of it.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            try:
                self._ray.init(address=self._address, log_to_driver=False, configure_logging=False)
            except (ConnectionError, RuntimeError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise UsageError(f"--engine {self._address or 'ray'}: no cluster: {reason[:200]}") from None
            self._is_ours = True
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnects; clips that still run are given up."""
        if self._is_ours:
            self._ray.shutdown()

    def run(self, requests: Sequence[Request], on_frames: OnFrames) -> Iterator[tuple[int, Outcome]]:
        """Run clips; gives each one's place in `requests` and its outcome, as it ends.

        A clip whose worker dies is tried once more.
        """
        gpus = 1 if self._device == "auto" and self._ray.cluster_resources().get("GPU") else 0
        remote = self._ray.remote(max_retries=0, num_cpus=1, num_gpus=gpus)(_run)
        waiting = deque((index, _absolute(request), 1) for index, request in enumerate(requests))
        running: dict[Any, tuple[int, Request, int, float]] = {}
        while waiting or running:
            while waiting and len(running) < (self._at_once or len(requests)):
                index, request, number = waiting.popleft()
                place = remote.remote(request, "cuda" if gpus else "cpu")
                running[place] = (index, request, number, time.monotonic())
            (ended, *_), _ = self._ray.wait(list(running))
            index, request, number, start = running.pop(ended)
            try:
                outcome: Outcome = self._ray.get(ended)
            except self._ray.exceptions.RayError as error:
                if number < ATTEMPTS:
                    waiting.appendleft((index, go_on(request), number + 1))
                    continue
                outcome = _lost(error, number, time.monotonic() - start)
            on_frames(index, outcome.frames)
            given = requests[index]
            yield (
                index,
                replace(
                    outcome,
                    clip=str(given.clip),
                    output=str(given.output),
                    attempts=max(number, outcome.attempts),
                ),
            )


def _absolute(request: Request) -> Request:
    """The request with paths that hold in the working folder of another process."""
    return replace(
        request,
        clip=request.clip if stream_address(request.clip) else request.clip.absolute(),
        masks=tuple(mask._replace(path=mask.path.absolute()) for mask in request.masks),
        output=request.output.absolute(),
        overlay=request.overlay and request.overlay.absolute(),
        model=request.model.absolute(),
    )


def _lost(error: Exception, number: int, seconds: float) -> Outcome:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return Outcome("", "", Status.FAILED, f"its worker was lost: {reason}", number, seconds)


@cache
def _runner(device: str) -> ClipRunner:
    """This worker's, whose model stays for its next clips."""
    return ClipRunner(device)


def _run(request: Request, device: str) -> Outcome:
    return _runner(device).run(request)
