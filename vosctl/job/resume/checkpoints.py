"""States of a tracker on disk, at a few frames of a clip."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vosctl.errors import OutputError, WeightsError
from vosctl.files import make_folder
from vosctl.systems.weights_file import read_tensors, write_tensors

FORMAT = 4
# The newest is what an interrupted run goes on from; the others let a correction begin near its frame.
_MOST = 4  # each is about 3 MB an object
_STEM = "state-"


class Checkpoints:
    """A folder of states, each written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def positions(self) -> list[int]:
        """The frames that there are states before, ascending."""
        found = (re.fullmatch(f"{_STEM}([0-9]{{8}})", path.stem) for path in self._folder.glob("*.pt"))
        return sorted(int(match[1]) for match in found if match)

    def save(self, position: int, state: Mapping[str, Any]) -> None:
        """Adds the state before frame `position`; of many, some go, so that the rest are spread evenly.

        Args:
            position: of the next frame.
            state: tensors and plain data.

        Raises:
            OutputError: it cannot be written.
        """
        make_folder(self._folder)
        write_tensors(self.path(position), {"format": FORMAT, **state})
        positions = self.positions()
        if len(positions) > _MOST:
            gaps = [(after - before, at) for before, at, after in _neighbours(positions)]
            self.path(min(gaps)[1]).unlink()

    def load(self, limit: int | None = None) -> dict[str, Any] | None:
        """The newest state, at or before frame `limit`; None where there is none.

        Raises:
            OutputError: it is damaged.
        """
        positions = [at for at in self.positions() if limit is None or at <= limit]
        if not positions:
            return None
        path = self.path(positions[-1])
        try:
            content = read_tensors(path)
        except WeightsError as error:
            raise OutputError(f"{error}; remove the file to go on from an earlier state") from None
        if content.pop("format", None) != FORMAT:
            raise OutputError(f"{path} is of another version of vosctl; start over with --overwrite")
        return content

    def drop_after(self, position: int) -> None:
        """Removes the states that depend on frame `position` or later ones."""
        for at in self.positions():
            if at > position:
                self.path(at).unlink()

    def path(self, position: int) -> Path:
        """The file of the state before frame `position`."""
        return self._folder / f"{_STEM}{position:08d}.pt"


def _neighbours(positions: list[int]) -> list[tuple[int, int, int]]:
    """Each position but the last, between the one before it and the one after it."""
    return list(zip([0, *positions], positions, positions[1:], strict=False))
