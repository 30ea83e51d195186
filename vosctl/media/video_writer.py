"""Pictures into an H.264 video that plays everywhere."""

from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from numpy.typing import NDArray

from vosctl.errors import CUT_SHORT, OutputError
from vosctl.media.audio_track import AudioTrack
from vosctl.media.encoding import atomic_video
from vosctl.media.frame import ClipInfo

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv")

# The best first; MPEG-4 part 2 is in every build of FFmpeg.
_ENCODERS = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf", "mpeg4")
# Visually lossless for an overlay, and quick enough not to hold up the tracker.
_ENCODER_OPTIONS = {"libx264": {"preset": "veryfast", "crf": "19"}}

_CLOCK = Fraction(1, 90000)  # divides the frame times of all common rates, and holds variable ones
_MPEG4_CLOCK = Fraction(1, 60000)  # that codec has 16 bits for it
_BT709 = 1  # matrix in ITU-T H.273
_DEFAULT_RATE = Fraction(25)


def _best_encoder() -> str:
    for name in _ENCODERS:
        try:
            av.Codec(name, "w")
        except UnknownCodecError:
            continue
        return name
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
        self._path = path
        self._rate = rate or source.rate or _DEFAULT_RATE
        self._start = source.start_time
        self._reformatter = VideoReformatter()
        self._last = -1  # ticks of the last picture
        self._audio: AudioTrack | None = None
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_video(path))
            options = {} if path.suffix.lower() == ".mkv" else {"movflags": "+faststart"}
            self._container = stack.enter_context(
                av.open(f"file:{temporary}", "w", container_options=options)
            )
            self._stream = self._add_stream(source)
            if source.has_audio:
                self._audio = stack.enter_context(
                    closing(AudioTrack(source.path, self._container, self._start))
                )
            self._stack = stack.pop_all()

    @property
    def note(self) -> str | None:
        """What became of the sound, where it was not simply copied."""
        return self._audio.note if self._audio else None

    def _add_stream(self, source: ClipInfo) -> av.VideoStream:
        encoder = _best_encoder()
        self._clock = _MPEG4_CLOCK if encoder == "mpeg4" else _CLOCK
        options = _ENCODER_OPTIONS.get(encoder, {})
        stream = self._container.add_stream(encoder, rate=self._rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width = source.width + source.width % 2
        stream.height = source.height + source.height % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = self._clock
        context = stream.codec_context
        context.time_base = self._clock
        context.colorspace = _BT709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        context.color_range = ColorRange.MPEG
        if source.pixel_aspect is not None:
            context.sample_aspect_ratio = source.pixel_aspect
        return stream

    def write(self, rgb: NDArray[np.uint8], time: Fraction | None = None) -> None:
        """Adds a picture (H, W, 3), shown from `time` (seconds on the source's clock) on.

        Raises:
            OutputError: the file cannot be written.
        """
        ticks = self._last + round(1 / self._rate / self._clock) if self._last >= 0 else 0
        if time is not None:
            ticks = round((time - self._start) / self._clock)
        self._last = max(ticks, self._last + 1)  # the clock of a container only goes forward
        picture = av.VideoFrame.from_ndarray(_even(rgb), format="rgb24")
        picture = self._reformatter.reformat(
            picture,
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        picture.pts = self._last
        picture.time_base = self._clock
        if self._audio is not None:
            self._audio.advance(self._last * self._clock)
        self._container.mux(self._stream.encode(picture))

    def _finish(self, is_whole: bool) -> None:
        self._container.mux(self._stream.encode(None))
        if self._audio is not None:
            self._audio.finish(None if is_whole else self._last * self._clock + 1 / self._rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_cut = isinstance(error, CUT_SHORT) and self._last >= 0
        if error is not None and not is_cut:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._finish(is_whole=error is None)


def _even(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeats the last row and column where the height or width is odd, as yuv420p needs even ones."""
    height, width = rgb.shape[:2]
    if height % 2 or width % 2:
        return np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(rgb)
