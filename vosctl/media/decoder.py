"""Pictures out of a media container, and how the container ends."""

import errno
from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import av
import av.container
from av.video.stream import VideoStream

from vosctl.media.gaps import Gaps

# Containers whose header states a frame count or duration that was measured, not guessed from a bit rate.
_MEASURED_HEADERS = {"matroska", "webm", "avi", "flv"}
# Pictures that are held back while several are decoded at once: one that is built on a damaged picture may be
# shown before that. Encoders let up to three be shown so.
_HELD_BACK = 4


class DamageInParallelError(Exception):
    """What FFmpeg makes of damaged data depends on chance while it decodes several pictures at once."""


class Decoder:
    """Draws all pictures out of a container, and notes what is missing in the middle and at the end.

    A picture that is missing in the middle is replaced by the one before it, with the time of the missing
    one, so that all later frames keep their numbers.

    Attributes:
        gaps: what is missing in the middle.
        doubtful: number of pictures that were decoded from damaged data, and yielded.
    """

    def __init__(
        self,
        container: av.container.InputContainer,
        stream: VideoStream,
        is_file: bool = False,
        parallel: bool = False,
    ) -> None:
        """Prepares to draw the pictures of an open container.

        Args:
            container: to read from.
            stream: of the container.
            is_file: it is a file, not a pipe or an address.
            parallel: several pictures are decoded at once; the first damage ends them, in
                DamageInParallelError.
        """
        self.gaps = Gaps()
        self.doubtful = 0
        self._container = container
        self._stream = stream
        self._is_file = is_file
        self._parallel = parallel
        self._packets = 0
        self._end = Fraction(0)  # seconds, where the last packet ends
        self._failed_last = False  # the last packet could not be read or decoded
        self._break: int | None = None  # when the picture of that packet should have been shown, in ticks

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Yields the pictures in the order of display; use each before the next one is drawn."""
        last: av.VideoFrame | None = None
        count = 0
        for picture in self._whole(self._sound() if self._parallel else self._decoded()):
            for time in self.gaps.before(picture.pts, is_first=last is None):
                assert last is not None
                last.pts = time
                self.gaps.frames.append(count)
                count += 1
                yield last
            self.doubtful += picture.is_corrupt
            last = picture
            count += 1
            yield picture

    def _sound(self) -> Iterator[av.VideoFrame]:
        """Yields what is decoded as long as nothing is damaged.

        Raises:
            DamageInParallelError: something is.
        """
        held: deque[av.VideoFrame] = deque()
        for picture in self._decoded():
            if picture.is_corrupt:
                raise DamageInParallelError
            held.append(picture)
            if len(held) > _HELD_BACK:
                yield held.popleft()
        yield from held

    def _whole(self, decoded: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Yields what is decoded, but for a half decoded picture just before a break."""
        doubtful: av.VideoFrame | None = None  # held back until another one follows
        for picture in decoded:
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
                yield from self._before_break(self._flushed())
                return
            if packet is None:
                return
            if packet.size == 0:  # the end: what the decoder still holds
                yield from self._before_break(self._flushed())
                return
            self._note(packet)
            try:
                pictures = packet.decode()
            except av.FFmpegError:
                if self._parallel:
                    raise DamageInParallelError from None
                self._failed_last, self._break = True, packet.pts
                self.gaps.failed(packet.pts)
                continue
            self._failed_last, self._break = False, None
            for picture in pictures:
                assert isinstance(picture, av.VideoFrame)
                yield picture

    def _is_end(self, error: OSError | av.FFmpegError) -> bool:
        """Whether an error is the end: FFmpeg calls it one where an HTTP server has not told the length."""
        is_http = self._container.name.startswith("http")
        return is_http and error.errno == errno.EIO and self._container.size < 0

    def _before_break(self, pictures: list[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Yields the last pictures, but for those that come after one whose packet was the last and failed.

        Pictures that others are built on are stored before these. Where a file is cut off between them, the
        clip ends at the first that is missing.
        """
        for picture in pictures:
            if self._break is None or picture.pts is None or picture.pts < self._break:
                yield picture

    def _flushed(self) -> list[av.VideoFrame]:
        try:
            return self._stream.decode(None)
        except av.FFmpegError:
            if self._parallel:
                raise DamageInParallelError from None
            self._failed_last = True
            return []

    def _note(self, packet: "av.Packet[VideoStream]") -> None:
        self._packets += 1
        if not packet.is_discard:  # before the beginning of an edit
            self.gaps.sent(packet.pts)
        if packet.pts is not None and packet.time_base is not None:
            end = (packet.pts + (packet.duration or 0)) * packet.time_base
            self._end = max(self._end, end)

    def breaks_off(self) -> bool:
        """Whether the file, read to its end, holds less than it says."""
        if self._failed_last or self.gaps.is_open or self._reaches_beyond():
            return True
        if not set(self._container.format.name.split(",")) & _MEASURED_HEADERS:
            return False
        rate = self._stream.average_rate or Fraction(25)
        slack = max(Fraction(1, 2), 3 / rate)  # seconds; headers are not exact
        if self._stream.frames and self._packets < self._stream.frames - slack * rate:
            return True
        duration = self._stated_duration()
        return duration is not None and duration - self._end > slack

    def _reaches_beyond(self) -> bool:
        """Whether the index names samples beyond the end of the file, which may have lost its name by now."""
        size = self._container.size
        return self._is_file and any(entry.pos + entry.size > size for entry in self._stream.index_entries)

    def _stated_duration(self) -> Fraction | None:
        """Seconds at which the video stream ends by the header, if the header speaks of it alone."""
        tag = self._stream.metadata.get("DURATION", "")  # Matroska: "00:00:01.600000000"
        try:
            hours, minutes, seconds = tag.split(":")
            return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
        except (ValueError, ZeroDivisionError):
            pass
        if len(self._container.streams) == 1 and self._container.duration:
            return Fraction(self._container.duration, av.time_base)
        return None
