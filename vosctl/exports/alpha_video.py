"""Formats `alpha-prores` and `alpha-ffv1`: the clip with the objects opaque and the rest transparent."""

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
from vosctl.exports.rgba_folder import cut_out
from vosctl.exports.writer import ExportWriter, LabelledFrame
from vosctl.media.audio_track import AudioTrack
from vosctl.media.encoding import atomic_video
from vosctl.media.frame import ClipInfo

_BT709 = 1  # matrix in ITU-T H.273
_DEFAULT_RATE = Fraction(25)


@dataclass(frozen=True)
class AlphaCodec:
    """A codec that keeps an alpha channel."""

    encoder: str
    pixel_format: str
    clock: Fraction
    """Seconds of a tick in its container."""
    options: tuple[tuple[str, str], ...] = ()


PRORES = AlphaCodec("prores_ks", "yuva444p10le", Fraction(1, 90000), (("profile", "4444"),))
"""What editors take; 10 bits of each colour. In `.mov`."""
FFV1 = AlphaCodec("ffv1", "bgra", Fraction(1, 1000))
"""Every pixel as it is. In `.mkv`."""


class AlphaVideoWriter(ExportWriter):
    """Writes a video with straight alpha, 255 on objects, and with the clip's frame times and sound.

    In ProRes, which is lossy, the picture goes on under the transparent part: black there would bleed into
    the objects' edges. FFV1 holds nothing of the background.
    """

    def __init__(self, path: Path, source: ClipInfo, codec: AlphaCodec) -> None:
        super().__init__()
        self._codec = codec
        self._rate = source.rate or _DEFAULT_RATE
        self._start = source.start_time
        self._reformatter = VideoReformatter()
        self._last = -1  # ticks of the last picture
        self._audio: AudioTrack | None = None
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_video(path))
            self._container = stack.enter_context(av.open(f"file:{temporary}", "w"))
            self._stream = self._add_stream(source)
            if source.has_audio:
                self._audio = stack.enter_context(
                    closing(AudioTrack(source.path, self._container, self._start))
                )
            self._stack = stack.pop_all()

    def _add_stream(self, source: ClipInfo) -> av.VideoStream:
        codec = self._codec
        options = dict(codec.options)
        if codec is FFV1 and min(source.width, source.height) < 2:
            options["slices"] = "1"  # a picture that is a pixel wide or high cannot be cut into more
        try:
            stream = self._container.add_stream(codec.encoder, rate=self._rate, options=options)
        except UnknownCodecError as error:
            raise OutputError(
                f"this FFmpeg has no encoder {codec.encoder}; install av from PyPI, or export another format"
            ) from error
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = source.width, source.height, codec.pixel_format
        stream.time_base = codec.clock
        context = stream.codec_context
        context.time_base = codec.clock
        if codec is PRORES:
            context.colorspace = _BT709
            context.color_primaries = ColorPrimaries.BT709
            context.color_trc = ColorTrc.BT709
            context.color_range = ColorRange.MPEG
        if source.pixel_aspect is not None:
            context.sample_aspect_ratio = source.pixel_aspect
        return stream

    def _add(self, frame: LabelledFrame) -> None:
        clock = self._codec.clock
        ticks = self._last + round(1 / self._rate / clock) if self._last >= 0 else 0
        if frame.time is not None:
            ticks = round((frame.time - self._start) / clock)
        self._last = max(ticks, self._last + 1)  # the clock of a container only goes forward
        if self._codec is PRORES:
            picture = self._reformatter.reformat(
                av.VideoFrame.from_ndarray(_with_alpha(frame), format="rgba"),
                format=self._codec.pixel_format,
                src_color_range=ColorRange.JPEG,
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                threads=1,
            )
        else:
            bgra = np.ascontiguousarray(cut_out(frame)[..., [2, 1, 0, 3]])
            picture = av.VideoFrame.from_ndarray(bgra, format="bgra")
        picture.pts, picture.time_base = self._last, clock
        if self._audio is not None:
            self._audio.advance(self._last * clock)
        self._container.mux(self._stream.encode(picture))

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if error is not None and not keep:
            self._stack.__exit__(type(error), error, None)
            return
        with self._stack:
            self._container.mux(self._stream.encode(None))
            if self._audio is not None:
                is_whole = error is None
                self._audio.finish(None if is_whole else self._last * self._codec.clock + 1 / self._rate)

    @property
    def note(self) -> str | None:
        """What became of the sound, where it was not simply copied."""
        return self._audio.note if self._audio else None


def _with_alpha(frame: LabelledFrame) -> NDArray[np.uint8]:
    """The whole picture (H, W, 4) with straight alpha."""
    assert frame.rgb is not None
    alpha = np.where(frame.labels > 0, np.uint8(255), np.uint8(0))
    return np.concatenate([frame.rgb, alpha[..., None]], axis=2)
