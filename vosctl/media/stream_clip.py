"""Clips that come over a pipe, a network or from a camera."""

import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import av
import av.container

from vosctl.errors import ClipError, TruncatedClipError
from vosctl.media.containers import open_address, open_pipe
from vosctl.media.decoder import Decoder
from vosctl.media.frame import Clip, ClipInfo, Frame
from vosctl.media.frame_maker import FrameMaker
from vosctl.media.limits import MAX_PIXELS
from vosctl.media.picture_stream import picture_stream
from vosctl.media.prefetch import Channel, produce
from vosctl.media.stream_address import StreamAddress

_FRAMES_AHEAD = 4  # decoded and waiting; all that is held of a stream beside the tracker's window
_POLL = 0.2  # seconds between two looks at whether anybody still wants a pipe's bytes
_JOIN_SECONDS = 2.0
_CAN_WAIT = os.name == "posix"  # elsewhere `select` knows no pipes


class _Pipe:
    """A pipe's bytes for FFmpeg, which may not seek; ends when it is told to."""

    def __init__(self, file: int) -> None:
        self.head = b""
        self._file = file
        self._ended = threading.Event()

    def read(self, size: int) -> bytes:
        while _CAN_WAIT and not select.select([self._file], [], [], _POLL)[0]:
            if self._ended.is_set():
                return b""
        data = os.read(self._file, size)
        if len(self.head) < 8:
            self.head += data[:8]
        return data

    def end(self) -> None:
        self._ended.set()


class StreamClip(Clip):
    """A stream's pictures, upright, in order; they can be read once.

    A thread decodes them. Where `drop` is set and frames come faster than they are taken, it passes over the
    oldest that wait; else it reads no faster.
    """

    def __init__(
        self,
        address: StreamAddress,
        path: Path,
        drop: bool,
        stream: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        """Opens the stream and waits for its first picture.

        Args:
            address: what to open.
            path: the clip's name, as it was given.
            drop: pass over frames that come faster than they are taken.
            stream: number of the video stream, counted from 0; None takes the largest default one.
            max_pixels: how many pixels a frame may have.

        Raises:
            ClipError: it cannot be opened, or holds no picture.
        """
        self._address = address
        self._path = path
        self._number = stream
        self._max_pixels = max_pixels
        self._pipe: _Pipe | None = None
        self._channel: Channel[Frame] = Channel(_FRAMES_AHEAD, lossy=drop)
        self._info: list[ClipInfo] = []  # one, as soon as the thread knows it
        self._thread = threading.Thread(
            target=produce, args=(self._frames(), self._channel), name="vosctl-stream", daemon=True
        )
        self._thread.start()
        try:
            self._first: Frame | None = self._channel.get()
        except StopIteration:
            raise ClipError(self._why("it holds no picture that can be decoded")) from None
        self.info = self._info[0]

    @property
    def dropped(self) -> int:
        """Frames that were passed over so far."""
        return self._channel.lost

    def __iter__(self) -> Iterator[Frame]:
        """Raises RuntimeError when iterated a second time."""
        frame, self._first = self._first, None
        if frame is None:
            raise RuntimeError("a stream can be read only once")
        index = 0
        while True:
            # Numbered anew: those that were dropped leave no gap.
            yield Frame(index, frame.rgb, frame.time, f"{index:05d}", frame.arrived)
            index += 1
            try:
                frame = self._channel.get()
            except StopIteration:
                return

    def _frames(self) -> Iterator[Frame]:
        maker: FrameMaker | None = None
        count = 0
        with self._opened() as container:
            # Several pictures at once would come later, and by chance where the stream is disturbed.
            name, number = self._address.name, self._number
            stream = picture_stream(container, name, number, self._max_pixels, threads="SLICE")
            decoder = Decoder(container, stream)
            for index, picture in enumerate(decoder.pictures()):
                arrived = time.perf_counter()
                if maker is None:
                    path = Path(self._address.name)
                    maker = FrameMaker(path, container, stream, picture, is_stream=True)
                    self._info.append(maker.info)
                frame = maker.frame(index, picture, maker.time(index, picture))
                yield Frame(index, frame.rgb, frame.time, frame.stem, arrived)
                count = index + 1
            damage = [f"is damaged: {decoder.gaps}"] if count and decoder.gaps else []
            if count and decoder.breaks_off():
                damage.append(f"broke off after {count} frames")
            if damage:
                raise TruncatedClipError(f"{self._address.name} {', and '.join(damage)}")

    @contextmanager
    def _opened(self) -> Iterator[av.container.InputContainer]:
        file: int | None = None
        try:
            if self._address.url is None:
                file = os.dup(0) if str(self._path) == "-" else os.open(self._path, os.O_RDONLY)
                self._pipe = _Pipe(file)
                container = open_pipe(self._pipe, self._max_pixels)
            else:
                container = open_address(self._address.url, self._address.device, self._max_pixels)
        except (av.FFmpegError, OSError, ValueError) as error:
            if file is not None:
                os.close(file)
            raise ClipError(self._why(getattr(error, "strerror", None) or str(error))) from error
        try:
            with container:
                yield container
        finally:
            if file is not None:
                os.close(file)

    def _why(self, reason: str) -> str:
        name = self._address.name
        if self._pipe and self._pipe.head[4:8] == b"ftyp":
            return (
                f"{name} is an MP4 whose index stands at its end, where a pipe cannot be read first; give "
                "the file itself, or write it with -movflags +faststart"
            )
        if self._pipe and not self._pipe.head:
            return f"{name} is empty; pipe a video into it"
        if self._pipe:
            return (
                f"{name} is not a video that FFmpeg can read from a pipe ({reason}); use MPEG-TS, MKV or Y4M"
            )
        return f"{name} cannot be opened: {reason}; check the address, and that it plays"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.abandon()
        if self._pipe:
            self._pipe.end()
        self._thread.join(_JOIN_SECONDS)
