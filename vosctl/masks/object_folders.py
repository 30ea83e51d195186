"""Folders of gray PNGs, one folder per object, with a file for every frame in each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosctl.files import make_folder
from vosctl.masks.png import save_png
from vosctl.media.claims import refuse_link

FILES_OF_OBJECTS = "[0-9]*/*.png"
"""Matches the files in the folder of all objects."""

Gray = NDArray[np.unsignedinteger[Any]]


class ObjectFolders:
    """Writes `ID/STEM.png`; an object that joins late gets empty files for the frames before.

    A clip in which no object is ever seen becomes the folder `1` of empty files: N frames in, N out.
    """

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder = folder
        self._stems: list[str] = []
        self._ids: set[int] = set()
        self._empty: Gray = np.zeros((1, 1), np.uint8)

    @property
    def object_ids(self) -> tuple[int, ...]:
        """The ids of the objects seen so far, ascending."""
        return tuple(sorted(self._ids))

    def write(self, stem: str, pictures: Mapping[int, Gray], empty: Gray) -> None:
        """Adds a frame: a picture (H, W) per object, and what stands for an object that is not there."""
        self._empty = empty
        for object_id in sorted(pictures.keys() - self._ids):
            self._join(object_id)
        for object_id in self._ids:
            save_png(self._folder / str(object_id) / f"{stem}.png", pictures.get(object_id, empty))
        self._stems.append(stem)

    def keep(self, stem: str) -> None:
        """Counts a frame whose files are there already."""
        if not self._stems:
            self._ids = {
                int(p.name) for p in self._folder.iterdir() if p.name.isascii() and p.name.isdecimal()
            }
        self._stems.append(stem)

    def finish(self) -> None:
        """Makes the folder `1` if no object was ever seen."""
        if self._stems and not self._ids:
            self._join(1)

    def _join(self, object_id: int) -> None:
        refuse_link(self._folder / str(object_id))
        make_folder(self._folder / str(object_id))
        self._ids.add(object_id)
        for stem in self._stems:
            save_png(self._folder / str(object_id) / f"{stem}.png", self._empty)
