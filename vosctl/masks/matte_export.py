"""Format `matte`: a black and white video, of all objects or of one (`matte:2`)."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from vosctl.arrays import MAX_ID
from vosctl.errors import UsageError
from vosctl.masks.label_video import LabelVideoWriter
from vosctl.masks.spec import Format
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.video_file import VideoCodec, VideoFile, lost_shape
from vosctl.media.video_writer import VideoWriter

_PRORES = VideoCodec("prores_ks", "yuv422p10le", Fraction(1, 90000), (("profile", "hq"),))


class MatteWriter(ExportWriter):
    """Writes white objects on black, without sound, with the clip's frame times.

    `.mov` is ProRes 422 HQ, `.mp4` H.264, and `.mkv` gray FFV1, which alone keeps every pixel as it is.
    """

    def __init__(self, path: Path, source: ClipInfo, object_id: int | None = None) -> None:
        super().__init__()
        self._object = object_id
        silent = replace(source, has_audio=False)
        suffix = path.suffix.lower()
        self._labels = LabelVideoWriter(path, source.rate) if suffix == ".mkv" else None
        self._file = VideoFile(path, silent, _PRORES) if suffix == ".mov" else None
        self._video = VideoWriter(path, silent) if suffix == ".mp4" else None
        self._note = lost_shape(source) if suffix == ".mkv" else None

    @property
    def note(self) -> str | None:
        """Says that the pixels' shape is lost, where they are not square and FFV1 does not keep it."""
        return self._note

    def _add(self, frame: LabelledFrame) -> None:
        if self._object is None:
            matte = frame.opacity()
        else:
            matte = np.asarray(np.rint(frame.matte(self._object) * 255), np.uint8)
        if self._labels:
            self._labels.write(matte, frame.time)
            return
        picture = np.repeat(matte[..., None], 3, axis=2)
        writer = self._file or self._video
        assert writer
        writer.write(picture, frame.time)

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if self._file:
            self._file.close(error, keep)
        elif self._video:
            self._video.__exit__(type(error) if error else None, error, None)
        elif self._labels:
            error = None if keep else error
            self._labels.__exit__(type(error) if error else None, error, None)


def _of_object(value: str) -> Format:
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:4]) <= MAX_ID):
        raise UsageError(f"format matte:{value[:20]}: expected an object's id such as matte:2")
    object_id = int(value)
    return replace(
        _ALL,
        name=f"matte-{object_id}",
        summary=f"black and white video of object {object_id}",
        open=partial(MatteWriter, object_id=object_id),
    )


_ALL = Format(
    "matte", "black and white video of the objects", MatteWriter, (".mov", ".mkv", ".mp4"), variant=_of_object
)
FORMATS = (_ALL,)
