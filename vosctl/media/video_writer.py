"""Pictures into an H.264 video that plays everywhere."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from numpy.typing import NDArray

from vosctl.errors import CUT_SHORT, OutputError
from vosctl.media.frame import ClipInfo
from vosctl.media.video_file import VideoCodec, VideoFile

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv")

# The best first; MPEG-4 part 2 is in every build of FFmpeg.
_ENCODERS = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf", "mpeg4")
# Visually lossless for an overlay, and quick enough not to hold up the tracker.
_ENCODER_OPTIONS = {"libx264": (("preset", "veryfast"), ("crf", "19"))}

_CLOCK = Fraction(1, 90000)  # divides the frame times of all common rates, and holds variable ones
_MPEG4_CLOCK = Fraction(1, 60000)  # that codec has 16 bits for it


def _best_codec() -> VideoCodec:
    for name in _ENCODERS:
        try:
            av.Codec(name, "w")
        except UnknownCodecError:
            continue
        clock = _MPEG4_CLOCK if name == "mpeg4" else _CLOCK
        return VideoCodec(name, "yuv420p", clock, _ENCODER_OPTIONS.get(name, ()))
    raise OutputError(f"this FFmpeg has none of the encoders {', '.join(_ENCODERS)}; install av from PyPI")


def check_suffix(path: Path) -> None:
    """Make sure that the name is one of a video.

    Raises:
        OutputError: it is not.
    """
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise OutputError(f"{path} cannot be written: expected one of {', '.join(VIDEO_SUFFIXES)}")


class VideoWriter:
    """Writes pictures of one size as H.264 (yuv420p, BT.709, odd sizes padded), with their source's sound.

    The file appears at its place when the `with` block ends. If the block is interrupted (Ctrl-C), or its
    source breaks off, the pictures so far become a playable file; after any other exception nothing remains.
    """

    def __init__(self, path: Path, source: ClipInfo, rate: Fraction | None = None) -> None:
        """Prepares the file `path` for pictures of the size of `source`, whose sound is copied.

        Args:
            path: `.mp4`, `.mov` or `.mkv`.
            source: the clip that the pictures are made from.
            rate: frames per second for pictures without a time; the source's rate, else 25, if not given.

        Raises:
            OutputError: the suffix is unknown, or the file cannot be written.
        """
        check_suffix(path)
        options = {} if path.suffix.lower() == ".mkv" else {"movflags": "+faststart"}
        self._file = VideoFile(path, source, _best_codec(), rate, options)

    @property
    def note(self) -> str | None:
        """What became of the sound, where it was not simply copied."""
        return self._file.note

    def write(self, rgb: NDArray[np.uint8], time: Fraction | None = None) -> None:
        """Adds a picture (H, W, 3), shown from `time` (seconds on the source's clock) on.

        Raises:
            OutputError: the file cannot be written.
        """
        self._file.write(rgb, time)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close(error, keep=isinstance(error, CUT_SHORT) and not self._file.is_empty)
