"""Frames of a video file by number, each decoded from the key frame before it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import av
import av.container
from av.video.stream import VideoStream

from vosctl.media.byte_cache import ByteCache
from vosctl.media.containers import open_container
from vosctl.media.frame import Frame
from vosctl.media.frame_maker import FrameMaker
from vosctl.media.key_frames import KeyFrames
from vosctl.media.picture_stream import picture_stream

_CACHE = 256 << 20  # bytes of decoded pictures: 400 of 480p
_WHOLE = 16  # frames before the wanted one that a jump decodes without leaving any out
_EARLIER_KEYS = 3  # that are tried where a demuxer does not land before the one that is wanted


class UnlikeIndexError(Exception):
    """What is decoded is not what the packets have promised: only decoding from the start is exact."""


class KeyFrameReader:
    """Decodes frames of one file in any order.

    All pictures that are decoded on the way to a frame are kept, unconverted, so that stepping backwards
    decodes a group of pictures once; stepping forwards goes on where the decoder stands. A jump in
    H.264 leaves out pictures on which no other depends, but for those just before the frame.

    Attributes:
        count: number of frames.
    """

    def __init__(self, path: Path, number: int | None, max_pixels: int) -> None:
        """Scans the file and decodes its first picture, which tells the size and the orientation of all.

        Raises:
            UnlikeIndexError: the packets do not tell the frames' numbers for certain.
            ClipError: the file cannot be opened.
        """
        self._path, self._number, self._max_pixels = path, number, max_pixels
        self._stack = ExitStack()
        try:
            container, stream = self._open()
            keys = KeyFrames.scan(container, stream)
            # In H.264 alone a picture of which none depends is marked beyond doubt.
            self._may_hurry = stream.codec_context.codec.canonical_name == "h264"
            if keys is None:
                raise UnlikeIndexError
            self._keys = keys
            self.count = len(keys.times)
            self._cache: ByteCache[av.VideoFrame] = ByteCache(_CACHE)
            self._size: tuple[int, int] | None = None
            self._last = 0  # number of the frame that was asked for last
            self._begin(0, 0)
            first = self._picture(0)
            if first.interlaced_frame:  # a packet may be a field
                raise UnlikeIndexError
            self._maker = FrameMaker(path, self._container, self._stream, first)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def frame(self, number: int) -> Frame:
        """Returns a frame as decoding from the start would give it.

        Raises:
            UnlikeIndexError: something is not as the packets have promised.
        """
        picture = self._picture(number)
        assert picture.pts is not None
        assert picture.time_base is not None
        return self._maker.frame(number, picture, picture.pts * picture.time_base)

    def _picture(self, number: int) -> av.VideoFrame:
        picture = self._cache.get(number)
        if picture is None:
            picture = self._decode(number)
        self._last = number
        return picture

    def _decode(self, number: int) -> av.VideoFrame:
        key = self._keys.before(number)
        if key <= self._next <= number < self._next + 2 * _WHOLE:
            return self._read_on(number)
        is_step_back = number == self._last - 1  # the next ones will be those before
        if self._may_hurry and not is_step_back and number - _WHOLE > key:
            try:
                self._begin(key, number - _WHOLE)
                return self._read_on(number)
            except UnlikeIndexError:
                pass  # the decoder may have stumbled over what was left out
        self._begin(key, key)
        return self._read_on(number)

    def _read_on(self, number: int) -> av.VideoFrame:
        for picture in self._pictures:
            if self._next > number:
                return picture
        raise UnlikeIndexError  # the pictures have ended before

    def _begin(self, key: int, whole: int) -> None:
        self._pictures, self._next, self._whole = self._decoded(key), key, whole

    def _decoded(self, key: int) -> Iterator[av.VideoFrame]:
        """Yields and keeps the pictures from a key frame on, in the order of display.

        None is left out that comes after the key frame, or from `_whole` on if that is later.
        """
        start = self._keys.times[key]
        try:
            for packet in self._packets(key):
                is_whole = packet.pts is None or packet.pts >= self._keys.times[self._whole]
                self._stream.codec_context.skip_frame = "DEFAULT" if is_whole else "NONREF"
                for picture in packet.decode():
                    assert isinstance(picture, av.VideoFrame)
                    if key and self._next == key and picture.pts is not None and picture.pts < start:
                        continue  # it needs pictures from before the key frame, and is not wanted
                    number = self._number_of(picture)
                    self._cache.put(number, picture, sum(plane.buffer_size for plane in picture.planes))
                    self._next = number + 1
                    yield picture
        except (av.FFmpegError, OSError) as error:
            raise UnlikeIndexError from error

    def _number_of(self, picture: av.VideoFrame) -> int:
        """Returns the number of the picture that has come out, which must be the next one that is due."""
        times = self._keys.times
        while self._next < self._whole and times[self._next] != picture.pts:
            self._next += 1  # it was left out
        size = (picture.width, picture.height)
        self._size = self._size or size
        is_next = self._next < self.count and picture.pts == times[self._next]
        if not is_next or picture.is_corrupt or size != self._size or picture.time_base is None:
            raise UnlikeIndexError
        return self._next

    def _packets(self, key: int) -> Iterator["av.Packet[VideoStream]"]:
        """Yields the packets from that of a key frame on, wherever the demuxer lands."""
        wanted = self._keys.times[key]
        at = self._keys.keys.index(key)
        for earlier in self._keys.keys[max(0, at - _EARLIER_KEYS) : at + 1][::-1]:
            for time in self._keys.seek_times[earlier]:
                self._container.seek(time, stream=self._stream)
                packets = self._container.demux(self._stream)
                for packet in packets:
                    if packet.pts == wanted:
                        yield packet
                        yield from packets
                        return
                    place = None if packet.pts is None else self._keys.order.get(packet.pts)
                    if place is None or place > self._keys.order[wanted]:
                        break  # it has landed too late
        container, stream = self._open()
        packets = container.demux(stream)
        for packet in packets:
            if packet.pts == wanted:
                yield packet
                break
        yield from packets

    def _open(self) -> tuple[av.container.InputContainer, VideoStream]:
        self._stack.close()
        self._container = self._stack.enter_context(open_container(self._path, self._max_pixels))
        self._stream = picture_stream(self._container, self._path, self._number, self._max_pixels)
        return self._container, self._stream
