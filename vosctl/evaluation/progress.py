"""How far a benchmark is, for whoever shows it."""

from typing import Protocol


class Progress(Protocol):
    """Whoever shows it is told what is being done, in frames."""

    def phase(self, label: str, frames: int) -> None:
        """A new piece of work begins, of so many frames."""

    def advance(self, frames: int) -> None:
        """So many more frames are done."""
