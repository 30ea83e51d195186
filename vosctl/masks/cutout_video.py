"""Format `cutout`: the objects on a flat colour, a green screen, as a video that plays everywhere."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from vosctl.errors import UsageError
from vosctl.masks.spec import Format
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.video_writer import VIDEO_SUFFIXES, VideoWriter

GREEN = (0, 255, 0)


class CutoutVideoWriter(ExportWriter):
    """Writes an H.264 video with the clip's frame times and sound."""

    def __init__(self, path: Path, source: ClipInfo, colour: tuple[int, int, int] = GREEN) -> None:
        super().__init__()
        self._video = VideoWriter(path, source)
        self._colour = np.array(colour, np.uint8)

    def _add(self, frame: LabelledFrame) -> None:
        assert frame.rgb is not None
        share = frame.opacity()[..., None] / np.float32(255)
        picture = np.rint(frame.rgb * share + self._colour * (1 - share)).astype(np.uint8)
        self._video.write(picture, frame.time)

    def _close(self, error: BaseException | None, keep: bool) -> None:
        self._video.__exit__(type(error) if error else None, error, None)

    @property
    def note(self) -> str | None:
        """Says what became of the sound, where it was not simply copied."""
        return self._video.note


def _on_colour(value: str) -> Format:
    """The format on another colour than green."""
    if not re.fullmatch("#?[0-9a-fA-F]{6}", value):
        raise UsageError(f"format cutout:{value}: expected a colour such as cutout:00ff00")
    digits = value.removeprefix("#").lower()
    red, green, blue = bytes.fromhex(digits)
    return replace(
        _ON_GREEN,
        summary=f"video of the objects on #{digits}",
        open=partial(CutoutVideoWriter, colour=(red, green, blue)),
    )


_ON_GREEN = Format(
    "cutout",
    "video of the objects on green",
    CutoutVideoWriter,
    VIDEO_SUFFIXES,
    needs_pictures=True,
    variant=_on_colour,
)
FORMATS = (_ON_GREEN,)
