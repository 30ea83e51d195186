"""Pictures out of a media container, and how the container ends."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import av.container
from av.stream import Disposition
from av.video.stream import VideoStream

from vosctl.errors import ClipError

# FFmpeg draws these formats from text or other files; nobody means them as a clip.
_NOT_A_CLIP = {"tty", "lrc", "srt", "ass", "webvtt"}

# Containers whose header states a frame count or duration that was measured, not guessed from a bit rate.
_MEASURED_HEADERS = {"matroska", "webm", "avi", "flv"}


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


def picture_stream(container: av.container.InputContainer, name: object) -> VideoStream:
    """The first stream of moving pictures; `name` is the container's, for messages.

    Raises:
        ClipError: there is none, or this FFmpeg cannot decode it.
    """
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams or set(container.format.name.split(",")) & _NOT_A_CLIP:
        raise ClipError(f"{name} holds no video; give a video file or a folder of images")
    stream = streams[0]
    if stream.codec_context is None:
        raise ClipError(f"{name} is coded in a way that this FFmpeg cannot decode; convert it to H.264 first")
    stream.thread_type = "AUTO"
    return stream


class Decoder:
    """Draws all pictures out of a container and notes how the container ends.

    `path` is the file that it is, None where it is a stream.
    """

    def __init__(
        self, container: av.container.InputContainer, stream: VideoStream, path: Path | None = None
    ) -> None:
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
            except (av.FFmpegError, OSError) as error:
                self._failed_last = not self._is_end(error)
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

    def _is_end(self, error: OSError | av.FFmpegError) -> bool:
        """Of HTTP, FFmpeg calls the end an error where the server has not told the length beforehand."""
        is_http = self._container.name.startswith("http")
        return is_http and error.errno == errno.EIO and self._container.size < 0

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
        if self._path is not None and self._reaches_beyond(self._path):
            return True
        if not set(self._container.format.name.split(",")) & _MEASURED_HEADERS:
            return False
        rate = self._stream.average_rate or Fraction(25)
        slack = max(Fraction(1, 2), 3 / rate)  # seconds; headers are not exact
        if self._stream.frames and self._packets < self._stream.frames - slack * rate:
            return True
        duration = self._stated_duration()
        return duration is not None and duration - self._end > slack

    def _reaches_beyond(self, path: Path) -> bool:
        """Whether the index names samples beyond the end of the file."""
        try:
            size = path.stat().st_size
        except OSError:
            return True
        return any(entry.pos + entry.size > size for entry in self._stream.index_entries)

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
