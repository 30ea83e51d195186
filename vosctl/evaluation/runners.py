"""Many sequences: one after the other in this process, or several at a time in processes of their own."""

import multiprocessing
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.queues import Queue
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from vosctl.compute.available_cores import available_cores
from vosctl.evaluation.datasets import Sequence
from vosctl.evaluation.results import RunDescription, SequenceSpeed
from vosctl.evaluation.sequence_runner import OnFrames, RunPlan, SequenceRunner

Work = list[tuple[Sequence, Path]]  # a sequence and the folder for its masks
Outcome = SequenceSpeed | BaseException


class Runners(ABC):
    """Runs sequences; it is to be used in a `with` statement."""

    @abstractmethod
    def describe(self) -> RunDescription:
        """What makes the masks.

        Raises:
            VosctlError: the model or the device does not work.
        """

    @abstractmethod
    def run(self, work: Work, on_frames: OnFrames) -> Iterator[tuple[Sequence, Outcome]]:
        """Run sequences; gives each as it ends, with its cost or with the exception that ended it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


def open_runners(plan: RunPlan) -> Runners:
    """Runners for a plan: processes where it wants several sequences at a time."""
    return ProcessRunners(plan) if plan.jobs > 1 else LocalRunner(plan)


class LocalRunner(Runners):
    """Runs one sequence after the other, in this process."""

    def __init__(self, plan: RunPlan) -> None:
        self._runner = SequenceRunner(plan, plan.devices[0])

    def describe(self) -> RunDescription:
        """Does what `Runners` says."""
        return self._runner.description

    def run(self, work: Work, on_frames: OnFrames) -> Iterator[tuple[Sequence, Outcome]]:
        """Does what `Runners` says."""
        for sequence, masks in work:
            outcome: Outcome
            try:
                outcome = self._runner.run(sequence, masks, on_frames)
            except Exception as error:  # noqa: BLE001 (whatever it is, the other sequences still count)
                outcome = error
            yield sequence, outcome


class ProcessRunners(Runners):
    """Runs several sequences at a time, in processes with a model each; devices are dealt out in turn."""

    def __init__(self, plan: RunPlan) -> None:
        # Spawned, because CUDA does not survive a fork.
        context = multiprocessing.get_context("spawn")
        devices: Queue[str] = context.Queue()
        for job in range(plan.jobs):
            devices.put(plan.devices[job % len(plan.devices)])
        self._pool = ProcessPoolExecutor(plan.jobs, context, _start_process, (plan, devices))

    def describe(self) -> RunDescription:
        """Does what `Runners` says."""
        return self._pool.submit(_describe).result()

    def run(self, work: Work, on_frames: OnFrames) -> Iterator[tuple[Sequence, Outcome]]:
        """Does what `Runners` says."""
        futures = {self._pool.submit(_run, sequence, masks): sequence for sequence, masks in work}
        for future in as_completed(futures):
            sequence = futures[future]
            on_frames(len(sequence.frames))
            yield sequence, future.exception() or future.result()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the processes; after an interruption, what has not begun is not begun."""
        self._pool.shutdown(cancel_futures=True)


_runner: SequenceRunner | None = None  # of this process, where it is one of `ProcessRunners`'


def _start_process(plan: RunPlan, devices: "Queue[str]") -> None:
    global _runner
    torch.set_num_threads(max(1, available_cores() // plan.jobs))
    _runner = SequenceRunner(plan, devices.get())


def _describe() -> RunDescription:
    assert _runner
    return _runner.description


def _run(sequence: Sequence, masks: Path) -> SequenceSpeed:
    assert _runner
    return _runner.run(sequence, masks)
