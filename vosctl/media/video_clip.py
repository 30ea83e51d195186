"""Video files as clips, through PyAV (FFmpeg)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.container
import numpy as np
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vosctl.errors import ClipError, TruncatedClipError
from vosctl.media.frame import Clip, ClipInfo, Frame

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

# FFmpeg draws these formats from text or other files; nobody means them as a clip.
_NOT_A_CLIP = {"tty", "lrc", "srt", "ass", "webvtt"}

# Containers whose header states a frame count or duration that was measured, not guessed from a bit rate.
_MEASURED_HEADERS = {"matroska", "webm", "avi", "flv"}


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


@contextmanager
def open_container(path: Path) -> Iterator[av.container.InputContainer]:
    """Opens a media file for reading.

    Raises:
        ClipError: it cannot be opened, or is not media.
    """
    try:
        if path.stat().st_size == 0:
            raise ClipError(f"{path} is an empty file; give a video file or a folder of images")
        # "file:" keeps FFmpeg from taking a colon in the name for a protocol.
        container = av.open(f"file:{path}", "r", metadata_errors="replace")
    except (av.error.InvalidDataError, av.error.EOFError) as error:
        raise ClipError(
            f"{path} is not a video that FFmpeg can read, or it is incomplete; check that it plays"
        ) from error
    except OSError as error:
        raise ClipError(
            f"{path} cannot be opened: {error.strerror}; check the file and its permissions"
        ) from error
    except av.FFmpegError as error:
        raise ClipError(f"{path} cannot be read as a video: {error.strerror}; check that it plays") from error
    with container:
        yield container


def _picture_stream(container: av.container.InputContainer, path: Path) -> VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams or set(container.format.name.split(",")) & _NOT_A_CLIP:
        raise ClipError(f"{path} holds no video; give a video file or a folder of images")
    stream = streams[0]
    if stream.codec_context is None:
        raise ClipError(f"{path} is coded in a way that this FFmpeg cannot decode; convert it to H.264 first")
    stream.thread_type = "AUTO"
    return stream


def _to_rgb(frame: av.VideoFrame, reformatter: VideoReformatter) -> NDArray[np.uint8]:
    """Converts to (H, W, 3) uint8 by the frame's own matrix and range; alpha is dropped."""
    if frame.format.is_rgb or frame.format.has_palette:
        converted = reformatter.reformat(frame, format="rgb24", threads=1)
    else:
        is_hd = frame.width >= _HD_WIDTH or frame.height >= _HD_HEIGHT
        matrix = _MATRICES.get(frame.colorspace, Colorspace.ITU709 if is_hd else Colorspace.ITU601)
        is_full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        converted = reformatter.reformat(
            frame,
            format="rgb24",
            src_colorspace=matrix,
            src_color_range=ColorRange.JPEG if is_full else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            threads=1,  # a picture takes half a millisecond; starting threads for it costs more
        )
    return np.asarray(converted.to_ndarray(), np.uint8)


class _Decoder:
    """Draws all pictures out of a container and notes how the container ends."""

    def __init__(self, container: av.container.InputContainer, stream: VideoStream, path: Path) -> None:
        self._container = container
        self._stream = stream
        self._path = path
        self._packets = 0
        self._end = Fraction(0)  # seconds, where the last packet ends
        self._failed_last = False  # the last packet could not be read or decoded

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yields the decoded pictures; single packets that cannot be decoded are passed over."""
        # The picture before a break may be half decoded: it is held back until a good one follows.
        doubtful: av.VideoFrame | None = None
        for picture in self._decoded():
            if doubtful is not None:
                yield doubtful
            doubtful = picture if picture.is_corrupt else None
            if doubtful is None:
                yield picture
        if doubtful is not None and not self.breaks_off():
            yield doubtful

    def _decoded(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError):
                self._failed_last = True
                yield from self._flushed()
                return
            if packet is None:
                return
            self._note(packet)
            try:
                pictures = packet.decode()
            except av.FFmpegError:
                self._failed_last = True
                continue
            for picture in pictures:
                assert isinstance(picture, av.VideoFrame)
                self._failed_last = False
                yield picture

    def _flushed(self) -> list[av.VideoFrame]:
        try:
            return self._stream.decode(None)
        except av.FFmpegError:
            return []

    def _note(self, packet: "av.Packet[VideoStream]") -> None:
        if packet.size == 0:
            return
        self._packets += 1
        if packet.pts is not None and packet.time_base is not None:
            end = (packet.pts + (packet.duration or 0)) * packet.time_base
            self._end = max(self._end, end)

    def breaks_off(self) -> bool:
        """Whether the file, read to its end, holds less than it says."""
        if self._failed_last:
            return True
        try:
            size = self._path.stat().st_size
        except OSError:
            return True
        if any(entry.pos + entry.size > size for entry in self._stream.index_entries):
            return True  # samples beyond the end of the file
        if not set(self._container.format.name.split(",")) & _MEASURED_HEADERS:
            return False
        rate = self._stream.average_rate or Fraction(25)
        slack = max(Fraction(1, 2), 3 / rate)  # seconds; headers are not exact
        if self._stream.frames and self._packets < self._stream.frames - slack * rate:
            return True
        duration = self._stated_duration()
        return duration is not None and duration - self._end > slack

    def _stated_duration(self) -> Fraction | None:
        """Seconds at which the video stream ends by the header, if the header speaks of it alone."""
        tag = self._stream.metadata.get("DURATION", "")  # Matroska: "00:00:01.600000000"
        try:
            hours, minutes, seconds = tag.split(":")
            return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
        except ValueError:
            pass
        if len(self._container.streams) == 1 and self._container.duration:
            return Fraction(self._container.duration, av.time_base)
        return None


class VideoClip(Clip):
    """The first video stream of a media file, upright, in the order of display."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with open_container(path) as container:
            stream = _picture_stream(container, path)
            first = next(_Decoder(container, stream, path).pictures(), None)
            if first is None:
                raise ClipError(f"{path} holds no picture that can be decoded; check that it plays")
            self._size = (first.width, first.height)
            self._orientation = Orientation.of(first)
            self._rate = stream.average_rate or stream.guessed_rate
            aspect = stream.sample_aspect_ratio or Fraction(1)
            self.info = self._describe(container, stream, aspect)

    def _describe(
        self, container: av.container.InputContainer, stream: VideoStream, aspect: Fraction
    ) -> ClipInfo:
        width, height = self._size
        if self._orientation.transpose:
            width, height = height, width
            aspect = 1 / aspect if aspect else aspect
        count = stream.frames
        if not count and self._rate and container.duration:
            count = round(Fraction(container.duration, av.time_base) * self._rate)
        return ClipInfo(
            self._path,
            width,
            height,
            count or None,
            self._rate,
            has_audio=bool(container.streams.audio),
            is_folder=False,
            rotation=self._orientation.rotation,
            start_time=Fraction(max(container.start_time or 0, 0), av.time_base),
            pixel_aspect=aspect if aspect > 0 and aspect != 1 else None,
        )

    def __iter__(self) -> Iterator[Frame]:
        return self.frames_from(0)

    def frames_from(self, start: int) -> Iterator[Frame]:
        """As of any clip: what comes before is decoded, which alone is exact, but not converted."""
        reformatter = VideoReformatter()
        count = 0
        time: Fraction | None = None
        with open_container(self._path) as container:
            decoder = _Decoder(container, _picture_stream(container, self._path), self._path)
            for index, picture in enumerate(decoder.pictures()):
                if (picture.width, picture.height) != self._size:
                    raise ClipError(
                        f"{self._path} changes its size at frame {index}: {picture.width}x{picture.height} "
                        f"after {self._size[0]}x{self._size[1]}; cut the clip there or convert it to one size"
                    )
                time = self._time(picture, time)
                count = index + 1
                if index < start:
                    continue
                rgb = self._orientation.apply(_to_rgb(picture, reformatter))
                yield Frame(index, rgb, time, f"{index:05d}")
            if decoder.breaks_off():
                hint = self.info.frame_count_hint
                of_about = f" of about {hint}" if hint and hint > count else ""
                raise TruncatedClipError(
                    f"{self._path} breaks off after {count}{of_about} frames: the file is incomplete; "
                    "copy or download it again"
                )

    def _time(self, picture: av.VideoFrame, previous: Fraction | None) -> Fraction:
        """The picture's own time; where it has none or goes backwards, one frame after the previous."""
        if picture.pts is not None and picture.time_base is not None:
            time = picture.pts * picture.time_base
            if previous is None or time > previous:
                return time
        return previous + 1 / (self._rate or Fraction(25)) if previous is not None else Fraction(0)
