"""Many clips over the devices of this machine, in processes: none takes the others with it when it dies."""

import contextlib
import multiprocessing
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from vosctl.job.batch.attempts import ATTEMPTS, go_on
from vosctl.job.batch.outcome import Outcome, Status
from vosctl.job.request import Request

_ENDING_SECONDS = 10.0  # for finishing and removing half-written files
_PROGRESS_SECONDS = 0.2  # between two messages of a worker, so that short frames do not flood the pipe

OnFrames = Callable[[int, int], None]
"""Is told which clip has so many more frames."""


@dataclass
class _Attempt:
    index: int
    request: Request
    number: int = 1
    start: float = 0.0


class Processes:
    """Workers on devices; use it in a `with` statement, which ends them.

    Args:
        devices: one for each worker.
        threads: CPU threads of each worker, None for what torch takes.
    """

    def __init__(self, devices: Sequence[str], threads: int | None) -> None:
        self._devices = devices
        self._threads = threads
        self._workers: list[_Worker] = []

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()
        deadline = time.monotonic() + _ENDING_SECONDS
        for worker in self._workers:
            worker.join(deadline - time.monotonic())

    def run(self, requests: Sequence[Request], on_frames: OnFrames) -> Iterator[tuple[int, Outcome]]:
        """Run clips; gives each one's place in `requests` and its outcome, as it ends.

        A clip whose process dies is tried once more, from where it was.
        """
        waiting = deque(_Attempt(index, request) for index, request in enumerate(requests))
        self._workers = [_Worker(device, self._threads) for device in self._devices[: len(requests)]]
        while waiting or any(worker.attempt for worker in self._workers):
            for worker in self._workers:
                if waiting and not worker.attempt:
                    worker.begin(waiting.popleft())
            busy = {worker.connection: worker for worker in self._workers if worker.attempt}
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                attempt = worker.attempt
                assert attempt
                try:
                    kind, value = worker.connection.recv()
                except (EOFError, OSError):
                    self._workers[self._workers.index(worker)] = _Worker(worker.device, self._threads)
                    reason = worker.death()
                    if attempt.number < ATTEMPTS:
                        waiting.appendleft(
                            _Attempt(attempt.index, go_on(attempt.request), attempt.number + 1)
                        )
                    else:
                        yield attempt.index, _died(attempt, reason)
                    continue
                if kind == "frames":
                    on_frames(attempt.index, value)
                else:
                    worker.attempt = None
                    yield attempt.index, replace(value, attempts=max(value.attempts, attempt.number))


class _Worker:
    """A process, as its parent sees it."""

    def __init__(self, device: str, threads: int | None) -> None:
        # Spawned, because CUDA does not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.device = device
        self.attempt: _Attempt | None = None
        self._process: SpawnProcess = context.Process(
            target=_work, args=(theirs, device, threads), name=f"vosctl-{device}", daemon=True
        )
        with _interrupts_ignored():
            self._process.start()
        theirs.close()  # so that the pipe ends when the process does

    def begin(self, attempt: _Attempt) -> None:
        attempt.start = time.monotonic()
        self.attempt = attempt
        with contextlib.suppress(OSError):  # a worker that is dead already is found so when it is heard
            self.connection.send(attempt.request)

    def death(self) -> str:
        """Waits for the process, whose pipe has ended; tells of it."""
        self.join(_ENDING_SECONDS)
        code = self._process.exitcode or 0
        if code == -getattr(signal, "SIGKILL", 0):
            return "its process was killed; the system may have run out of memory"
        return (
            f"its process died of signal {-code}" if code < 0 else f"its process ended with exit code {code}"
        )

    def stop(self) -> None:
        """Have it end as soon as no half-written file is left."""
        self._process.terminate()

    def join(self, seconds: float) -> None:
        self._process.join(max(seconds, 0.0))
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignores interrupts while a process is started, which then ignores them too: the parent decides."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _died(attempt: _Attempt, reason: str) -> Outcome:
    return Outcome(
        clip=str(attempt.request.clip),
        output=str(attempt.request.output),
        status=Status.FAILED,
        error=f"{attempt.request.clip}: {reason}",
        attempts=attempt.number,
        seconds=time.monotonic() - attempt.start,
    )


def _work(connection: Connection, device: str, threads: int | None) -> None:
    """The process: clip after clip, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    import torch

    from vosctl.job.batch.clip_runner import ClipRunner

    if threads:
        torch.set_num_threads(threads)
    runner = ClipRunner(device)

    def send(*message: Any) -> None:
        try:
            connection.send(message)
        except OSError:  # the parent is gone
            sys.exit()

    while True:
        try:
            request: Request = connection.recv()
        except (EOFError, OSError):
            return
        counter = _Counter(send)
        outcome = runner.run(request, counter.count)
        counter.tell()
        send("end", outcome)


class _Counter:
    """Tells of frames now and then."""

    def __init__(self, send: Callable[..., None]) -> None:
        self._send = send
        self._frames = 0
        self._told = time.monotonic()

    def count(self) -> None:
        self._frames += 1
        if time.monotonic() - self._told >= _PROGRESS_SECONDS:
            self.tell()

    def tell(self) -> None:
        self._send("frames", self._frames)
        self._frames, self._told = 0, time.monotonic()


def _end(*_: object) -> None:
    """Unwinds, once, so that files are finished or removed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit()
