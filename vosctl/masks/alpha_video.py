"""Formats `alpha-prores` and `alpha-ffv1`: the clip with the objects opaque and the rest transparent."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosctl.masks.rgba_folder import cut_out
from vosctl.masks.spec import Format
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.video_file import VideoCodec, VideoFile

PRORES = VideoCodec("prores_ks", "yuva444p10le", Fraction(1, 90000), (("profile", "4444"),))
"""The codec that editors take, with 10 bits for each colour; it stands in `.mov`."""
FFV1 = VideoCodec("ffv1", "bgra", Fraction(1, 1000))
"""The codec that keeps every pixel as it is; it stands in `.mkv`."""


class AlphaVideoWriter(ExportWriter):
    """Writes a video with straight alpha, 255 on objects, and with the clip's frame times and sound.

    In ProRes, which is lossy, the picture goes on under the transparent part: black there would bleed into
    the objects' edges. FFV1 holds nothing of the background.
    """

    def __init__(self, path: Path, source: ClipInfo, codec: VideoCodec) -> None:
        super().__init__()
        self._picture = _with_alpha if codec is PRORES else cut_out
        if codec is FFV1 and min(source.width, source.height) < 2:
            # A picture that is a pixel wide or high cannot be cut into more.
            codec = replace(codec, options=(("slices", "1"),))
        self._file = VideoFile(path, source, codec)

    def _add(self, frame: LabelledFrame) -> None:
        self._file.write(self._picture(frame), frame.time)

    def _close(self, error: BaseException | None, keep: bool) -> None:
        self._file.close(error, keep)

    @property
    def note(self) -> str | None:
        """Says what became of the sound and of the pixels' shape, where they were not simply copied."""
        return self._file.note


def _with_alpha(frame: LabelledFrame) -> NDArray[np.uint8]:
    """Returns the whole picture (H, W, 4) with straight alpha."""
    assert frame.rgb is not None
    return np.concatenate([frame.rgb, frame.opacity()[..., None]], axis=2)


FORMATS = (
    Format(
        "alpha-prores",
        "ProRes 4444 video with alpha",
        partial(AlphaVideoWriter, codec=PRORES),
        (".mov",),
        needs_pictures=True,
    ),
    Format(
        "alpha-ffv1",
        "lossless video with alpha",
        partial(AlphaVideoWriter, codec=FFV1),
        (".mkv",),
        needs_pictures=True,
    ),
)
