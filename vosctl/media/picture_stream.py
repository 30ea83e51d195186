"""Which of a container's video streams is the clip."""

from typing import Literal

import av.container
from av.stream import Disposition
from av.video.stream import VideoStream

from vosctl.errors import ClipError
from vosctl.media.limits import check_clip_size


def picture_stream(
    container: av.container.InputContainer,
    name: object,
    number: int | None,
    max_pixels: int,
    threads: Literal["AUTO", "SLICE", "NONE"] = "AUTO",
) -> VideoStream:
    """Returns the stream to decode: the one that was asked for, else the largest of those marked as default.

    Args:
        container: what has been opened.
        name: of the container, for messages.
        number: of the stream among those with moving pictures, counted from 0; None chooses.
        max_pixels: how many pixels a frame may have by the header.
        threads: AUTO decodes several pictures at once, which is fastest, and by chance where data is damaged;
            SLICE and NONE one after the other.

    Raises:
        ClipError: there is none, this FFmpeg cannot decode it, or its frames are too large.
    """
    streams = moving_pictures(container)
    if not streams:
        raise ClipError(f"{name} holds no video; give a video file or a folder of images")
    if number is not None and number >= len(streams):
        raise ClipError(
            f"{name} has {len(streams)} video streams, counted from 0; there is no stream {number}"
        )
    stream = max(streams, key=_rank) if number is None else streams[number]
    if stream.codec_context is None:
        raise ClipError(f"{name} is coded in a way that this FFmpeg cannot decode; convert it to H.264 first")
    check_clip_size(name, stream.codec_context.width, stream.codec_context.height, max_pixels)
    stream.codec_context.options = {"max_pixels": str(max_pixels)}  # for headers that come later
    stream.thread_type = threads
    return stream


def moving_pictures(container: av.container.InputContainer) -> list[VideoStream]:
    """Returns the video streams that are no cover pictures."""
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def choice_note(container: av.container.InputContainer, stream: VideoStream) -> str | None:
    """Says which stream was taken, where there are several."""
    streams = moving_pictures(container)
    if len(streams) < 2:
        return None
    sizes = ", ".join(f"{number}: {_size(one)}" for number, one in enumerate(streams))
    taken = next(number for number, one in enumerate(streams) if one.index == stream.index)
    return f"video stream {taken} of {len(streams)} was taken ({sizes}); --stream N takes another"


def _rank(stream: VideoStream) -> tuple[bool, bool, int]:
    """Orders streams; of equal ones `max` takes the first."""
    context = stream.codec_context
    pixels = context.width * context.height if context else 0
    return context is not None, bool(stream.disposition & Disposition.default), pixels


def _size(stream: VideoStream) -> str:
    context = stream.codec_context
    return f"{context.width}x{context.height}" if context else "unknown codec"
