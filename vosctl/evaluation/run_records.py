"""Notes beside the masks of a run: which sequences are done, what made them, what they cost.

A sequence's note, `OUTPUT/.vosctl/<sequence>.json`, is written after its last mask; it is what makes a
sequence done, so that a run that was interrupted goes on where it stopped.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vosctl.errors import OutputError
from vosctl.evaluation.datasets import Dataset, Sequence
from vosctl.evaluation.output_folder import make_output_folder
from vosctl.evaluation.results import RunDescription, SequenceSpeed
from vosctl.files import atomic_path, write_json
from vosctl.version import __version__


class RunRecords:
    """The notes in a folder of masks.

    Raises:
        OutputError: the folder cannot be made or written to.
    """

    def __init__(self, output: Path, dataset: Dataset) -> None:
        self._output = output
        self._dataset = dataset
        self._folder = output / ".vosctl"
        make_output_folder(self._folder)

    def forget(self, sequence: Sequence) -> None:
        """Forget that a sequence is done: it is to be run anew."""
        self._path(sequence).unlink(missing_ok=True)

    def done(self, sequence: Sequence, description: RunDescription) -> SequenceSpeed | None:
        """What the sequence cost; None if it is not done or one of its masks is missing.

        Raises:
            OutputError: its masks were made in another way, so that the figures would mix two runs.
        """
        try:
            note = json.loads(self._path(sequence).read_text())
            made_by, speed = note["made_by"], SequenceSpeed(**note["speed"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # a note that cannot be read is no note: the sequence is run again
        differences = list(_differences(made_by, self._made_by(description)))
        if differences:
            raise OutputError(
                f"{self._output}: {sequence.name} was made in another way ({'; '.join(differences)}); "
                "choose another --output, or run everything again with --overwrite"
            )
        masks = self._dataset.mask_folder(self._output, sequence.name)
        return speed if all((masks / f"{frame.stem}.png").is_file() for frame in sequence.frames) else None

    def write(self, sequence: Sequence, description: RunDescription, speed: SequenceSpeed) -> None:
        """Note that a sequence is done.

        Raises:
            OutputError: the note cannot be written.
        """
        note = {"made_by": self._made_by(description), "speed": asdict(speed)}
        write_json(self._path(sequence), note)

    def write_traceback(self, sequence: Sequence, text: str) -> Path:
        """Keep what is needed to find out why a sequence failed."""
        path = self._folder / f"{sequence.name}.traceback.txt"
        with atomic_path(path) as temporary:
            temporary.write_text(text)
        return path

    def _path(self, sequence: Sequence) -> Path:
        return self._folder / f"{sequence.name}.json"

    def _made_by(self, description: RunDescription) -> dict[str, Any]:
        return {"vosctl": __version__, "dataset": self._dataset.name.value, **asdict(description)}


def _differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Each change, in the form `settings.window was 8, now 1`."""
    for key in new.keys() | old.keys():
        before, now = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(now, dict):
            yield from _differences(before, now, f"{prefix}{key}.")
        elif before != now:
            yield f"{prefix}{key} was {before}, now {now}"
