"""A video file, picture by picture, with the frame times and the sound of the clip that it is made from."""

from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from numpy.typing import NDArray

from vosctl.errors import OutputError
from vosctl.media.audio_track import AudioTrack
from vosctl.media.encoding import atomic_video
from vosctl.media.frame import ClipInfo

_BT709 = 1  # matrix in ITU-T H.273
_DEFAULT_RATE = Fraction(25)


@dataclass(frozen=True)
class VideoCodec:
    """An encoder and what it is fed."""

    encoder: str
    pixel_format: str
    """bgra, or a YUV format: BT.709 then."""
    clock: Fraction
    """Seconds of a tick."""
    options: tuple[tuple[str, str], ...] = ()

    @property
    def is_yuv(self) -> bool:
        """Whether the pixel format is YUV, not RGB."""
        return self.pixel_format.startswith("yuv")

    @property
    def is_even(self) -> bool:
        """Colours are at half the size: height and width have to be even."""
        return self.pixel_format == "yuv420p"


def lost_shape(source: ClipInfo) -> str | None:
    """What to say of FFV1 in Matroska, which lacks the pixels' shape; None where they are square.

    FFmpeg's Matroska writer reads it from a field of the stream that PyAV does not set, and FFV1 has no place
    for it as H.264 has.
    """
    if source.pixel_aspect is None:
        return None
    shape = f"{source.pixel_aspect.numerator}:{source.pixel_aspect.denominator}"
    return (
        f"the clip's pixels are {shape}, which FFV1 in .mkv does not say: set it in the program that opens it"
    )


class VideoFile:
    """Encodes pictures of one size; `close` ends it.

    Args:
        path: where the file appears when it is closed.
        source: the clip that the pictures are made from, whose sound is copied.
        codec: how to encode.
        rate: frames per second for pictures without a time; the source's rate, else 25, if not given.
        options: of the container.

    Raises:
        OutputError: the file cannot be written, or there is no such encoder.
    """

    def __init__(
        self,
        path: Path,
        source: ClipInfo,
        codec: VideoCodec,
        rate: Fraction | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._codec = codec
        self._rate = rate or source.rate or _DEFAULT_RATE
        self._start = source.start_time
        self._reformatter = VideoReformatter()
        self._last = -1  # ticks of the last picture
        self._audio: AudioTrack | None = None
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_video(path))
            opened = av.open(f"file:{temporary}", "w", container_options=dict(options or {}))
            self._container = stack.enter_context(opened)
            self._stream = self._add_stream(source)
            self._shape_note = lost_shape(source) if codec.encoder == "ffv1" else None
            if source.has_audio:
                audio = AudioTrack(source.path, self._container, self._start)
                self._audio = stack.enter_context(closing(audio))
            self._stack = stack.pop_all()

    @property
    def note(self) -> str | None:
        """What became of the sound and of the pixels' shape, where they were not simply copied."""
        notes = [self._shape_note, self._audio.note if self._audio else None]
        return "; ".join(note for note in notes if note) or None

    @property
    def is_empty(self) -> bool:
        """No picture has been written."""
        return self._last < 0

    def _add_stream(self, source: ClipInfo) -> av.VideoStream:
        codec = self._codec
        try:
            stream = self._container.add_stream(codec.encoder, rate=self._rate, options=dict(codec.options))
        except UnknownCodecError as error:
            raise OutputError(
                f"this FFmpeg has no encoder {codec.encoder}; install av from PyPI, or export another format"
            ) from error
        assert isinstance(stream, av.VideoStream)
        stream.width = source.width + source.width % 2 * codec.is_even
        stream.height = source.height + source.height % 2 * codec.is_even
        stream.pix_fmt = codec.pixel_format
        stream.time_base = codec.clock
        context = stream.codec_context
        context.time_base = codec.clock
        if codec.is_yuv:
            context.colorspace = _BT709
            context.color_primaries = ColorPrimaries.BT709
            context.color_trc = ColorTrc.BT709
            context.color_range = ColorRange.MPEG
        if source.pixel_aspect is not None:
            context.sample_aspect_ratio = source.pixel_aspect
        return stream

    def write(self, pixels: NDArray[np.uint8], time: Fraction | None = None) -> None:
        """Adds a picture (H, W, 3), or with alpha (H, W, 4), shown from `time` (seconds of the source) on.

        Raises:
            OutputError: the file cannot be written.
        """
        clock = self._codec.clock
        ticks = 0 if self.is_empty else self._last + round(1 / self._rate / clock)
        if time is not None:
            ticks = round((time - self._start) / clock)
        self._last = max(ticks, self._last + 1)  # the clock of a container only goes forward
        picture = self._picture(pixels)
        picture.pts, picture.time_base = self._last, clock
        if self._audio is not None:
            self._audio.advance(self._last * clock)
        self._container.mux(self._stream.encode(picture))

    def _picture(self, pixels: NDArray[np.uint8]) -> av.VideoFrame:
        if not self._codec.is_yuv:
            bgra = np.ascontiguousarray(pixels[..., [2, 1, 0, 3]])
            return av.VideoFrame.from_ndarray(bgra, format="bgra")
        height, width, channels = pixels.shape
        if self._codec.is_even and (height % 2 or width % 2):
            pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        form = "rgb24" if channels == 3 else "rgba"
        return self._reformatter.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=form),
            format=self._codec.pixel_format,
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )

    def close(self, error: BaseException | None, keep: bool) -> None:
        """Complete the file if what came is to be kept; else nothing remains.

        Args:
            error: what ended the pictures before their end.
            keep: they count nevertheless.

        Raises:
            OutputError: the file cannot be written.
        """
        if error is not None and not keep:
            self._stack.__exit__(type(error), error, error.__traceback__)
            return
        with self._stack:
            self._container.mux(self._stream.encode(None))
            if self._audio is not None:
                end = None if error is None else self._last * self._codec.clock + 1 / self._rate
                self._audio.finish(end)
