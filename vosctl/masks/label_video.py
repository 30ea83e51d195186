"""Format `label-video`: the ids as gray values of one video.

FFV1 gray in Matroska keeps every id exactly, at a millisecond a frame.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from numpy.typing import NDArray

from vosctl.arrays import MAX_ID
from vosctl.errors import ClipError, MaskError, OutputError
from vosctl.masks.matte_video import is_matte, read_matte_video
from vosctl.masks.notes import VOID_IS_BACKGROUND, Note
from vosctl.masks.spec import Format, Reader, has_suffix
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.containers import open_container
from vosctl.media.encoding import atomic_video
from vosctl.media.frame import ClipInfo
from vosctl.media.sink import Sink, is_pipe, open_sink
from vosctl.media.video_clip import VideoClip
from vosctl.media.video_file import lost_shape

_CLOCK = Fraction(1, 1000)  # Matroska's own


def read_label_video(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yields the label maps (H, W) uint8 of a gray FFV1 video, ids exactly as they were written.

    Raises:
        MaskError: the file cannot be read, or its format does not keep ids (it is not 8-bit gray).
    """
    try:
        with open_container(path) as container:
            if not container.streams.video:
                raise MaskError(
                    f"{path} holds no video; give a folder of masks or a gray FFV1 .mkv of labels"
                )
            for picture in container.decode(video=0):
                # Any other format would be rescaled to gray, and the ids would be lost.
                if picture.format.name != "gray":
                    raise MaskError(
                        f"{path} is {picture.format.name} video, which does not hold object ids; expected "
                        "8-bit gray (FFV1), or a black and white matte"
                    )
                yield np.asarray(picture.to_ndarray(), np.uint8)
    except ClipError as error:
        raise MaskError(str(error)) from error
    except av.FFmpegError as error:
        raise MaskError(f"{path} breaks off or is damaged: {error.strerror}; write it again") from error


class _Callback:
    """A sink as FFmpeg calls it, through which exceptions do not pass: the first one waits here."""

    def __init__(self, sink: Sink) -> None:
        self.failure: OutputError | None = None
        self._sink = sink

    def write(self, data: bytes) -> int:
        try:
            self._sink.write(data)
        except OutputError as error:
            self.failure = error
        return len(data)


class LabelVideoWriter:
    """Writes label maps of one size into a gray FFV1 `.mkv`: a file, whole or not at all, or a pipe."""

    def __init__(self, path: Path, rate: Fraction | None = None) -> None:
        """Prepares the file `path`; `rate` (frames per second, else 25) times frames without a time."""
        self._rate = rate or Fraction(25)
        self._index = 0
        self._pipe: _Callback | None = None
        self._stream: av.VideoStream | None = None
        with ExitStack() as stack:
            if is_pipe(path):
                # A cluster is what Matroska holds back: here a frame, so that each leaves as the next comes.
                options = {"cluster_time_limit": "0", "flush_packets": "1"}
                self._pipe = _Callback(stack.enter_context(open_sink(path)))
                opened = av.open(self._pipe, "w", format="matroska", container_options=options)
            else:
                opened = av.open(f"file:{stack.enter_context(atomic_video(path))}", "w", format="matroska")
            self._container = stack.enter_context(opened)
            self._stack = stack.pop_all()

    def write(self, labels: NDArray[np.uint8], time: Fraction | None = None) -> None:
        """Adds labels (H, W), shown from `time` (seconds) on."""
        if self._stream is None:
            # FFmpeg cuts a picture into slices, which one that is a pixel wide or high cannot be.
            options = {"slices": "1"} if min(labels.shape) < 2 else {}
            self._stream = self._container.add_stream("ffv1", rate=self._rate, options=options)
            self._stream.height, self._stream.width = labels.shape
            self._stream.pix_fmt = "gray"
            self._stream.codec_context.time_base = _CLOCK
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(labels), format="gray")
        picture.pts = round((time if time is not None else self._index / self._rate) / _CLOCK)
        picture.time_base = _CLOCK
        self._container.mux(self._stream.encode(picture))
        self._index += 1
        if self._pipe and self._pipe.failure:
            failure, self._pipe.failure = self._pipe.failure, None
            raise failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            if self._stream is not None:
                self._container.mux(self._stream.encode())


class LabelVideoExport(ExportWriter):
    """Writes a gray FFV1 `.mkv` with the clip's frame times."""

    def __init__(self, path: Path, source: ClipInfo) -> None:
        super().__init__()
        self._video = LabelVideoWriter(path, source.rate)
        self._note = lost_shape(source)

    @property
    def note(self) -> str | None:
        """Says that the pixels' shape is lost, where they are not square."""
        return self._note

    def _add(self, frame: LabelledFrame) -> None:
        self._video.write(frame.labels, frame.time)

    def _close(self, error: BaseException | None, keep: bool) -> None:
        error = None if keep else error
        self._video.__exit__(type(error) if error else None, error, None)


def read_labels_of_video(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of a gray FFV1 video, or of a matte, with their times.

    Raises:
        MaskError: the file cannot be read, or does not keep ids.
        TruncatedClipError: it breaks off; what came before has been yielded.
    """
    maps = read_matte_video(path, note) if is_matte(path) else read_label_video(path)
    first = next(maps, None)  # before the clip is opened, as this tells better why it is no label video
    if first is None:
        return
    # The second pass is for the times alone; decoding takes a millisecond a frame.
    for labels, frame in zip(chain([first], maps), VideoClip(path), strict=False):
        if labels.max() > MAX_ID:
            note(VOID_IS_BACKGROUND)
            labels = np.where(labels > MAX_ID, np.uint8(0), labels)
        yield LabelledFrame(labels, frame.stem, frame.time)


FORMATS = (
    Format(
        "label-video",
        "ids in one lossless gray video",
        LabelVideoExport,
        (".mkv",),
        is_exact=True,
        suits_pipes=True,
        reader=Reader(
            "label video", has_suffix(".mkv"), read_labels_of_video, lambda path: VideoClip(path).info
        ),
    ),
)
