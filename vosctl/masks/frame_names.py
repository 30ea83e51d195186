"""Which frame a mask is of, by its file's name: `00010.png` beside the frame `00010.jpg`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from vosctl.errors import MaskError
from vosctl.media.frame import Numbering
from vosctl.media.frame_folder import list_images

_LONGEST = 9  # digits of a number


class FrameNames:
    """The names of a clip's frames; a video or a stream has none, and its frames are counted from 0.

    Raises:
        OSError: the folder cannot be read.
    """

    def __init__(
        self, clip: Path, numbering: Numbering | None = None, stems: Sequence[str] | None = None
    ) -> None:
        """Takes the clip, a folder of images or anything else.

        Args:
            clip: where it is.
            numbering: of the part of it that is meant.
            stems: the frames' names, where they are known.
        """
        self._clip = clip
        self._numbering = numbering or Numbering()
        if stems is None:
            stems = [image.stem for image in list_images(clip)] if clip.is_dir() else []
        if self._numbering.first is not None:
            stems = []  # its frames are counted, whatever they are called
        self._by_stem = {stem: index for index, stem in enumerate(stems)}
        self._by_number: dict[int, list[int]] = {}
        for index, stem in enumerate(stems):
            number = _number_of(stem)
            if number is not None:
                self._by_number.setdefault(number, []).append(index)

    @classmethod
    def of_stems(cls, stems: Sequence[str], where: Path) -> Self:
        """The names of masks."""
        return cls(where, stems=stems)

    def within(self, whole: int) -> int | None:
        """The index within the part that is meant of a frame of the whole clip; None if it is not there."""
        return self._numbering.index(whole)

    def index_of(self, name: str, where: object) -> int:
        """The index, counted from 0 in the part that is meant, of the frame that a name or a number means.

        Raises:
            MaskError: there is no such frame, it is not clear which, or it is not in the part.
        """
        whole = self.whole_index_of(name, where)
        index = self.within(whole)
        if index is None:
            raise MaskError(f"{where}: frame {name} is not in the part of {self._clip} that is asked for")
        return index

    def whole_index_of(self, name: str, where: object) -> int:
        """The index, counted from 0, of the frame that a name or a number means.

        In a folder whose frames are named it is the frame of this very name or, where none is, the one frame
        whose name ends in the same number (`shot.1001`, `frame_000010`, `00010`). Only where the frames have
        no numbers in their names does a number count them.

        Args:
            name: a mask's file name without suffix, or what somebody wrote before `=FILE`.
            where: what has this name, for messages.

        Raises:
            MaskError: there is no such frame, or it is not clear which.
        """
        if name in self._by_stem:
            return self._by_stem[name]
        number = _number_of(name)
        if number is None and not self._by_stem:
            raise MaskError(
                f"{where}: expected a frame number, counted from 0, such as 00000; {name[:40]} is no frame"
            )
        if number is None:
            raise MaskError(f"{where}: {name} is no frame{self._known()}")
        if not self._by_number:
            return number - (self._numbering.first or 0)
        found = self._by_number.get(number, [])
        if len(found) != 1:
            what = f"{len(found)} frames end in {number}" if found else f"there is no frame {name}"
            raise MaskError(f"{where}: {what}{self._known()}")
        return found[0]

    def _known(self) -> str:
        """What could be named instead."""
        first, last = next(iter(self._by_stem)), next(reversed(self._by_stem))
        return f" of {self._clip}; its frames are named {first} to {last}: name the mask as its frame"


def _number_of(name: str) -> int | None:
    """The number that a name ends in."""
    match = re.search(rf"(?<![0-9])[0-9]{{1,{_LONGEST}}}$", name)
    return int(match[0]) if match else None
