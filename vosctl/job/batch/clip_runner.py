"""One process's part of many clips: clip after clip through models that are loaded once."""

import time
from collections.abc import Callable
from typing import Any

import torch

from vosctl.errors import VosctlError
from vosctl.job.batch.attempts import ATTEMPTS, frame_by_frame
from vosctl.job.batch.outcome import Outcome, Status
from vosctl.job.open_request import open_request
from vosctl.job.pipeline import run_request
from vosctl.job.request import Request
from vosctl.systems.choice import ModelChoice
from vosctl.systems.model import Model

OnFrame = Callable[[], None]


class ClipRunner:
    """Runs clips on one device.

    Args:
        device: as `--device` names one.
        load: gives the model of a choice; another one for tests.
    """

    def __init__(self, device: str, load: Callable[[ModelChoice, str], Model] = ModelChoice.load) -> None:
        self._device = device
        self._load = load
        self._loaded: tuple[ModelChoice, Model] | None = None

    def run(self, request: Request, on_frame: OnFrame | None = None) -> Outcome:
        """Segment a clip. Whatever fails is in the outcome: the next clip is not to suffer from it.

        A clip that needs more memory than there is gets a second attempt, frame by frame.

        Args:
            request: the clip.
            on_frame: called after each frame.
        """
        start = time.perf_counter()
        attempts = 1
        has_begun = False

        def begin() -> None:
            nonlocal has_begun
            has_begun = True

        try:
            try:
                status, reason, summary = self._segment(request, begin, on_frame)
            except (MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                attempts = ATTEMPTS
            if attempts == ATTEMPTS:  # not above: the exception holds all that the first attempt made
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                again = frame_by_frame(request, has_begun)
                status, reason, summary = self._segment(again, begin, on_frame)
        except VosctlError as error:
            status, reason, summary = Status.FAILED, str(error), None
        except Exception as error:  # noqa: BLE001 (whatever it is, the other clips still count)
            status, reason, summary = Status.FAILED, f"{type(error).__name__}: {error}", None
        return Outcome(
            clip=str(request.clip),
            output=str(request.output),
            status=status,
            error=" ".join(reason.split()) or None,
            attempts=attempts,
            seconds=time.perf_counter() - start,
            summary=summary,
        )

    def _segment(
        self, request: Request, on_begin: OnFrame, on_frame: OnFrame | None
    ) -> tuple[Status, str, dict[str, Any] | None]:
        """How it ended, why, and the summary."""
        with open_request(request) as opened:
            if done := opened.done:
                return Status.SKIPPED, "", done
            on_begin()
            step = (lambda *_: on_frame()) if on_frame else None
            summary = run_request(opened, self._model(opened.model_choice), step)
            reason = summary.broken or summary.stopped or ""
            return Status.BROKEN if reason else Status.DONE, reason, summary.to_json()

    def _model(self, choice: ModelChoice) -> Model:
        if not self._loaded or self._loaded[0] != choice:
            self._loaded = None  # frees the old one first
            self._loaded = (choice, self._load(choice, self._device))
        return self._loaded[1]


def _is_out_of_memory(error: Exception) -> bool:
    # torch has a class of its own for GPUs alone.
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)
