"""Decoded pictures made into frames: upright, RGB, each with a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.container
import numpy as np
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vosctl.errors import TruncatedClipError
from vosctl.media.frame import ClipInfo, Frame
from vosctl.media.picture_stream import choice_note
from vosctl.media.tone_mapping import ToneMapping

# AVColorSpace of a frame (ITU-T H.273) -> matrix of FFmpeg's scaler.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: 9,  # BT.2020, for which PyAV 17 has no name
    10: 9,
}
# Untagged pictures from this size on are BT.709, smaller ones BT.601: what players assume.
_HD_WIDTH, _HD_HEIGHT = 1280, 720

# Without these flags FFmpeg's fast path is a level too dark on average, up to three levels off.
_EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


def _unknown_side_data(kind: Any, value: int) -> Any:
    """Names a kind of side data that FFmpeg knows and PyAV does not, such as EXIF (31)."""
    member = object.__new__(kind)
    member._name_, member._value_ = f"UNKNOWN_{value}", value
    return member


# PyAV's enumeration ends before FFmpeg's, and all of a frame's side data is lost where one kind has no name.
SideDataType._missing_ = classmethod(_unknown_side_data)  # type: ignore[method-assign, assignment]


@dataclass(frozen=True)
class Orientation:
    """How stored pictures become upright: transpose first, then mirror."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Orientation":
        """Reads the display matrix, x' = a x + c y and y' = b x + d y with y downwards, to right angles."""
        for data in cast(Iterable[SideData], frame.side_data):
            if data.type == SideDataType.DISPLAYMATRIX:
                a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
                if abs(a) + abs(d) >= abs(b) + abs(c):
                    return cls(False, a < 0, d < 0)
                return cls(True, c < 0, b < 0)
        return cls()

    @property
    def rotation(self) -> int:
        """Degrees counter-clockwise, a mirror image left aside."""
        if self.transpose:
            return 90 if self.flip_y else 270
        return 180 if self.flip_y else 0

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turns a picture (H, W, 3) upright."""
        if self.transpose:
            picture = picture.transpose(1, 0, 2)
        if self.flip_x:
            picture = picture[:, ::-1]
        if self.flip_y:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)


class FrameMaker:
    """Makes the frames of one clip, in order of display.

    Attributes:
        info: what the first picture and the header tell of the clip.
    """

    def __init__(
        self,
        path: Path,
        container: av.container.InputContainer,
        stream: VideoStream,
        first: av.VideoFrame,
        is_stream: bool = False,
    ) -> None:
        self._size = (first.width, first.height)
        self._orientation = Orientation.of(first)
        self._rate = stream.average_rate or stream.guessed_rate
        self._reformatter = VideoReformatter()
        self._tone = ToneMapping.of(first)
        self._time: Fraction | None = None  # of the last picture
        width, height = self._size
        aspect = stream.sample_aspect_ratio or Fraction(1)
        if self._orientation.transpose:
            width, height = height, width
            aspect = 1 / aspect if aspect else aspect
        self.info = ClipInfo(
            path,
            width,
            height,
            self._frame_count(container, stream),
            self._rate,
            has_audio=bool(container.streams.audio) and not is_stream,
            is_folder=False,
            rotation=self._orientation.rotation,
            start_time=_start_time(container, first, is_stream),
            pixel_aspect=aspect if aspect > 0 and aspect != 1 else None,
            is_stream=is_stream,
            notes=self._notes(container, stream, first),
        )

    def _frame_count(self, container: av.container.InputContainer, stream: VideoStream) -> int | None:
        """What the header says, or what follows from its duration."""
        count = stream.frames
        if not count and self._rate and container.duration:
            count = round(Fraction(container.duration, av.time_base) * self._rate)
        return count if count > 0 else None

    def _notes(
        self, container: av.container.InputContainer, stream: VideoStream, first: av.VideoFrame
    ) -> tuple[str, ...]:
        notes = [self._tone.note] if self._tone else []
        if first.interlaced_frame:
            notes.append("interlaced: each picture shows two moments; deinterlace the clip for clean edges")
        if choice := choice_note(container, stream):
            notes.append(choice)
        return tuple(notes)

    def time(self, index: int, picture: av.VideoFrame) -> Fraction:
        """Returns the picture's time in seconds; call it for every picture, in order.

        Raises:
            TruncatedClipError: the picture has another size than the first, so that the clip ends before it.
        """
        if (picture.width, picture.height) != self._size:
            raise TruncatedClipError(
                f"{self.info.path} changes its size at frame {index}: {picture.width}x{picture.height} "
                f"after {self._size[0]}x{self._size[1]}; cut the clip there or convert it to one size"
            )
        self._time = self._next_time(picture, self._time)
        return self._time

    def frame(self, index: int, picture: av.VideoFrame, time: Fraction) -> Frame:
        """Returns the picture as a frame."""
        rgb = self._tone.to_sdr(picture, self._reformatter) if self._tone else self._to_rgb(picture)
        return Frame(index, self._orientation.apply(rgb), time, f"{index:05d}")

    def _to_rgb(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """Converts to (H, W, 3) uint8 by the frame's own matrix and range; alpha is dropped."""
        if frame.format.is_rgb or frame.format.has_palette:
            converted = self._reformatter.reformat(frame, format="rgb24", threads=1)
        else:
            is_hd = frame.width >= _HD_WIDTH or frame.height >= _HD_HEIGHT
            matrix = _MATRICES.get(frame.colorspace, Colorspace.ITU709 if is_hd else Colorspace.ITU601)
            is_full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
            converted = self._reformatter.reformat(
                frame,
                format="rgb24",
                src_colorspace=matrix,
                src_color_range=ColorRange.JPEG if is_full else ColorRange.MPEG,
                dst_color_range=ColorRange.JPEG,
                interpolation=_EXACT,
                threads=1,  # a picture takes a millisecond; starting threads for it costs more
            )
        return np.asarray(converted.to_ndarray(), np.uint8)

    def _next_time(self, picture: av.VideoFrame, previous: Fraction | None) -> Fraction:
        """Returns the picture's own time; if it is missing or goes back, one frame after the previous."""
        if picture.pts is not None and picture.time_base is not None:
            time = picture.pts * picture.time_base
            if previous is None or time > previous:
                return time
        return previous + 1 / (self._rate or Fraction(25)) if previous is not None else Fraction(0)


def _start_time(container: av.container.InputContainer, first: av.VideoFrame, is_stream: bool) -> Fraction:
    """Returns the seconds on the clip's clock at which it begins."""
    if is_stream and first.pts is not None and first.time_base is not None:
        return first.pts * first.time_base  # a camera's clock may have begun long ago
    return Fraction(max(container.start_time or 0, 0), av.time_base)
