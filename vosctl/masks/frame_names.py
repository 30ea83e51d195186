"""Which frame a mask is of, by its file's name: `00010.png` beside the frame `00010.jpg`."""

import re
from pathlib import Path

from vosctl.errors import MaskError
from vosctl.media.frame_folder import list_images

_LONGEST = 9  # digits of a number


class FrameNames:
    """The names of a clip's frames; a video or a stream has none, and its frames are counted from 0.

    Raises:
        OSError: the folder cannot be read.
    """

    def __init__(self, clip: Path) -> None:
        """Takes the clip, a folder of images or anything else."""
        self._clip = clip
        stems = [image.stem for image in list_images(clip)] if clip.is_dir() else []
        self._by_stem = {stem: index for index, stem in enumerate(stems)}
        self._by_number: dict[int, list[int]] = {}
        for index, stem in enumerate(stems):
            number = _number_of(stem)
            if number is not None:
                self._by_number.setdefault(number, []).append(index)

    def index_of(self, name: str, where: object) -> int:
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
            return number
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
