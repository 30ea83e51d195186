"""Formats `soft` and `soft16`: the probability of each object as gray PNGs, for compositing."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosctl.masks.object_folders import FILES_OF_OBJECTS, Gray, ObjectFolders
from vosctl.masks.spec import Format
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo


class SoftFolderWriter(ExportWriter):
    """Writes `ID/STEM.png`: 0 is probability 0, and the highest value of 8 or 16 bits is 1."""

    def __init__(self, path: Path, _: ClipInfo, bits: int = 8) -> None:
        super().__init__()
        self._folders = ObjectFolders(path)
        self._bits = bits

    def _add(self, frame: LabelledFrame) -> None:
        assert frame.soft is not None
        pictures = {object_id: self._to_gray(probability) for object_id, probability in frame.soft.items()}
        self._folders.write(frame.stem, pictures, self._to_gray(np.zeros(frame.labels.shape, np.float32)))

    def replay(self, frame: LabelledFrame) -> None:
        """Counts a frame whose files are there already."""
        self._folders.keep(frame.stem)

    def _to_gray(self, probability: NDArray[np.float32]) -> Gray:
        values: NDArray[np.float32] = np.rint(probability * (2**self._bits - 1))
        return values.astype(np.uint8) if self._bits == 8 else values.astype(np.uint16)

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if keep:
            self._folders.finish()


FORMATS = (
    Format(
        "soft",
        "folder per object of 8-bit probabilities",
        SoftFolderWriter,
        pattern=FILES_OF_OBJECTS,
        needs_soft=True,
    ),
    Format(
        "soft16",
        "the same with 16 bits",
        partial(SoftFolderWriter, bits=16),
        pattern=FILES_OF_OBJECTS,
        needs_soft=True,
    ),
)
