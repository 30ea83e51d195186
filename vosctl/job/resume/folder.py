"""The hidden folder of a run: `.vosctl` in the folder of its masks, `.NAME.vosctl` beside a single file.

run.json        the record
given/          the masks that a person gave, by frame
frames.jsonl    what is known of every frame
summary.json    what the run did, when it has ended
earlier.json    results of the run before, which are to go then
states/         of the tracker, at a few frames
masks/          label maps, where the run's output has none
backward/       results of the backward pass, while the run is at work
"""

import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vosctl.arrays import Labels
from vosctl.errors import OutputError
from vosctl.files import make_folder, output_error, read_json, write_json
from vosctl.job.plain_data import require_fields
from vosctl.job.summary import Summary
from vosctl.media.frame_folder import list_images
from vosctl.media.palette import save_palette_png


class RunFolder:
    """Where a run's own files are.

    Args:
        output: of the run, a folder or a file.
    """

    def __init__(self, output: Path, is_folder: bool) -> None:
        self.output = output
        self.path = output / ".vosctl" if is_folder else output.with_name(f".{output.name}.vosctl")
        self.record = self.path / "run.json"
        self.log = self.path / "frames.jsonl"
        self.summary = self.path / "summary.json"
        self.earlier = self.path / "earlier.json"
        self.given = self.path / "given"
        self.masks = self.path / "masks"
        self.backward = self.path / "backward"

    @classmethod
    def find(cls, output: Path) -> "RunFolder | None":
        """The folder that a run has left with results, None where there is none."""
        folder = cls(output, output.is_dir())
        return folder if folder.record.is_file() else None

    def given_masks(self) -> dict[int, Path]:
        """The masks that were given, by frame index."""
        found = list_images(self.given) if self.given.is_dir() else []
        return {int(path.stem): path for path in found if re.fullmatch("[0-9]{1,9}", path.stem)}

    def write_given(self, masks: Mapping[int, Labels]) -> None:
        """Keeps the masks that a person gave.

        Raises:
            OutputError: they cannot be written.
        """
        make_folder(self.given)
        for frame, labels in masks.items():
            save_palette_png(self.given / f"{frame:08d}.png", labels)

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Keeps what a run did.

        Raises:
            OutputError: it cannot be written.
        """
        write_json(self.summary, summary)

    def read_summary(self) -> dict[str, Any]:
        """What the run did, as `write_summary` got it.

        Raises:
            OutputError: it cannot be read.
        """
        advice = "start over with --overwrite"
        found = read_json(self.summary, advice)
        try:
            return require_fields(found, Summary)
        except TypeError as error:
            raise OutputError(f"{self.summary} is damaged: {error}; {advice}") from None

    def discard_backward(self) -> None:
        """Removes the results of the backward pass; killed in the middle of it, none of them counts.

        Raises:
            OutputError: they cannot be removed.
        """
        discarded = self.path / "discarded"
        try:
            if discarded.exists():
                shutil.rmtree(discarded)
            if self.backward.exists():
                self.backward.rename(discarded)
                shutil.rmtree(discarded)
        except OSError as error:
            raise output_error(self.backward, error) from error

    def clear(self) -> None:
        """Removes everything.

        Raises:
            OutputError: it cannot be removed.
        """
        try:
            self.record.unlink(missing_ok=True)  # first: without it nothing there counts
            if self.path.exists():
                shutil.rmtree(self.path)
        except OSError as error:
            raise output_error(self.path, error) from error


def digest_of(labels: Labels) -> str:
    """The digest by which a mask is known again, whatever file it was in."""
    return hashlib.sha256(f"{labels.shape}".encode() + labels.tobytes()).hexdigest()
