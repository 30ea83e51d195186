"""Frames of a clip by number, fast in any order, and the same as reading the clip from its start gives."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from vosctl.errors import ClipError, TruncatedClipError
from vosctl.media.byte_cache import ByteCache
from vosctl.media.clip import open_clip
from vosctl.media.frame import ClipInfo, Frame
from vosctl.media.key_frame_reader import KeyFrameReader, UnlikeIndexError
from vosctl.media.limits import MAX_PIXELS

_CACHE = 128 << 20  # bytes of frames
_NEAR = 32  # frames that are read on, or kept before the one that is wanted, without a jump


class FrameIndex:
    """Any frame of a clip that can be read more than once.

    A video file is decoded from the key frame before the wanted one. Where its packets do not tell the
    numbers of its frames for certain, or what is decoded differs from what they have promised, it is decoded
    from the start instead, which is slow and always right. The images of a folder are read one by one.

    Attributes:
        count: number of frames; None until it is known.
    """

    def __init__(self, path: Path, stream: int | None = None, max_pixels: int | None = None) -> None:
        """Opens the clip.

        Args:
            path: of a video file or a folder of images.
            stream: number of the video stream, counted from 0; None takes the largest default one.
            max_pixels: how many pixels a frame may have; None is `limits.MAX_PIXELS`.

        Raises:
            ClipError: there is nothing at `path` in which a picture can be found.
        """
        self._clip = open_clip(path, stream=stream, max_pixels=max_pixels)
        self._stream = stream
        self._max_pixels = MAX_PIXELS if max_pixels is None else max_pixels
        self._reader: KeyFrameReader | None = None
        self._may_jump = not self._clip.info.is_folder
        self._cache: ByteCache[Frame] = ByteCache(_CACHE)
        self._rest: Iterator[Frame] = iter(())
        self._next: int | None = None  # number of the frame that `_rest` gives next
        self.count = self._clip.info.frame_count_hint if self._clip.info.is_folder else None

    @property
    def info(self) -> ClipInfo:
        """What is known of the clip."""
        return self._clip.info

    def close(self) -> None:
        """Closes the file."""
        self._rest, self._next = iter(()), None
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def frame(self, number: int) -> Frame:
        """Returns the frame of a number, counted from 0; its pixels are shared and must not be changed.

        Raises:
            ClipError: the clip has no such frame, or it cannot be read.
        """
        if number < 0 or (self.count is not None and number >= self.count):
            raise self._none_such(number)
        frame = self._cache.get(number)
        if frame is None:
            frame = self._read(number)
            self._keep(frame)
        return frame

    def exact(self, number: int) -> Frame:
        """Returns the frame of a number by decoding all that comes before it, which trusts no index.

        If `frame` has given something else, it does not use the index from then on.

        Raises:
            ClipError: the clip has no such frame, or it cannot be read.
        """
        shown = self.frame(number)
        if self._reader is None:
            return shown
        try:
            frame = next(self._clip.frames_from(number), None)
        except TruncatedClipError:
            frame = None
        if frame is None or not np.array_equal(frame.rgb, shown.rgb):
            self._distrust()
            return self.frame(number)
        return frame

    def _read(self, number: int) -> Frame:
        if self.info.is_folder:
            return self._image(number)
        is_near = self._next is not None and self._next <= number < self._next + _NEAR
        if not self._may_jump or (self._reader is None and (is_near or number == 0)):
            return self._read_on(number)
        try:
            if self._reader is None:
                self._reader = KeyFrameReader(self.info.path, self._stream, self._max_pixels)
                self._rest, self._next = iter(()), None  # the reader goes on from here
                self.count = self._reader.count
            if number < self._reader.count:
                return self._reader.frame(number)
        except UnlikeIndexError:
            self._distrust()
            return self.frame(number)
        raise self._none_such(number)

    def _image(self, number: int) -> Frame:
        try:
            return next(self._clip.frames_from(number))
        except TruncatedClipError as error:
            raise ClipError(str(error)) from error

    def _distrust(self) -> None:
        """From now on, decodes from the start."""
        self.close()
        self._cache.clear()
        self._may_jump = False
        self.count = None

    def _read_on(self, number: int) -> Frame:
        """Decodes from where it stands or from the start, and keeps some of what comes before the frame."""
        if self._next is None or not self._next <= number < 2 * self._next + _NEAR:
            self._next = max(0, number - _NEAR + 1)
            self._rest = self._clip.frames_from(self._next)
        has_come = False
        try:
            for frame in self._rest:
                has_come = True
                self._next = frame.index + 1
                self._keep(frame)
                if frame.index == number:
                    return frame
        except TruncatedClipError:
            pass  # what came before the break can be drawn on
        self.count = self._next if has_come else self._counted()
        self._rest, self._next = iter(()), None
        raise self._none_such(number)

    def _counted(self) -> int:
        count = 0
        try:
            for frame in self._clip:
                count = frame.index + 1
        except TruncatedClipError:
            pass
        return count

    def _keep(self, frame: Frame) -> None:
        self._cache.put(frame.index, frame, frame.rgb.nbytes)

    def _none_such(self, number: int) -> ClipError:
        count = "" if self.count is None else f"has {self.count} frames, counted from 0; "
        return ClipError(
            f"{self.info.path} {count or 'counts its frames from 0; '}there is no frame {number}"
        )
