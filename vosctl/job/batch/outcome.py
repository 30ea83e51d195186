"""How a clip among many ended."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a clip ended, in the words of the summary."""

    DONE = "done"
    SKIPPED = "skipped"
    """Its run was finished before."""
    BROKEN = "broken"
    """The clip breaks off, or an object is lost and it was to end there; what came before is kept."""
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """What became of one clip."""

    clip: str
    output: str
    status: Status
    error: str | None = None
    """Why it is broken or failed, in one line."""
    attempts: int = 1
    """How often it was tried: 2 where the first attempt failed."""
    seconds: float = 0.0
    """What all attempts took, with the loading of the model where this clip was the first to need it."""
    summary: dict[str, Any] | None = None
    """The run's summary, as `--report` writes it for one clip. A clip that is skipped has that of the run
    before; None where there was none."""

    @property
    def frames(self) -> int:
        """The number of frames with masks made by this run."""
        return int(self.summary["frames"]) if self.summary and self.status is not Status.SKIPPED else 0

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return asdict(self)
