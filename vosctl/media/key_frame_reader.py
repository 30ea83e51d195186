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
_EARLIER_KEYS = 3  # that are tried where a demuxer does not land before the one that is wanted


class UnlikeIndexError(Exception):
    """What is decoded is not what the packets have promised: only decoding from the start is exact."""


class KeyFrameReader:
    """Decodes frames of one file in any order.

    All pictures that are decoded on the way to a frame are kept, unconverted, so that stepping backwards
    decodes a group of pictures once; stepping forwards goes on where the decoder stands.

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
            if keys is None:
                raise UnlikeIndexError
            self._keys = keys
            self.count = len(keys.times)
            self._cache: ByteCache[av.VideoFrame] = ByteCache(_CACHE)
            self._size: tuple[int, int] | None = None
            self._begin(0)
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
        if picture is not None:
            return picture
        if not self._keys.before(number) <= self._next <= number:
            self._begin(self._keys.before(number))
        for picture in self._pictures:
            if self._next > number:
                return picture
        raise UnlikeIndexError  # the pictures have ended before

    def _begin(self, key: int) -> None:
        self._pictures, self._next = self._decoded(key), key

    def _decoded(self, key: int) -> Iterator[av.VideoFrame]:
        """Yields and keeps the pictures from a key frame on, each of which must be the next one in time."""
        times = self._keys.times
        try:
            for packet in self._packets(key):
                for picture in packet.decode():
                    assert isinstance(picture, av.VideoFrame)
                    is_leading = self._next == key and picture.pts is not None and picture.pts < times[key]
                    if is_leading and key:  # it needs pictures from before the key frame, and is not wanted
                        continue
                    self._check(picture)
                    self._cache.put(self._next, picture, sum(plane.buffer_size for plane in picture.planes))
                    self._next += 1
                    yield picture
        except (av.FFmpegError, OSError) as error:
            raise UnlikeIndexError from error

    def _check(self, picture: av.VideoFrame) -> None:
        size = (picture.width, picture.height)
        self._size = self._size or size
        is_next = self._next < self.count and picture.pts == self._keys.times[self._next]
        if not is_next or picture.is_corrupt or size != self._size or picture.time_base is None:
            raise UnlikeIndexError

    def _packets(self, key: int) -> Iterator["av.Packet[VideoStream]"]:
        """Yields the packets from that of a key frame on, wherever the demuxer lands."""
        wanted = self._keys.times[key]
        at = self._keys.keys.index(key)
        for earlier in self._keys.keys[max(1, at - _EARLIER_KEYS) : at + 1][::-1]:
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
