"""Black and white videos, and videos with alpha, read as the masks of one object."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from vosctl.errors import ClipError, MaskError
from vosctl.masks.notes import Note
from vosctl.media.containers import open_container

_LOSSLESS = ("ffv1", "rawvideo", "png", "huffyuv", "utvideo")  # whose gray values may be ids
_NEUTRAL = 32  # by so much the colours of a gray pixel may differ after compression
_EXTREME = 64  # so far from black or white a pixel of a matte may be, but for soft edges
_MOST = 0.97  # of the pixels
_HALF = 128


def is_matte(path: Path) -> bool:
    """Whether the first picture of a video shows that it is a matte, not label maps and not a clip."""
    try:
        with open_container(path) as container:
            if not container.streams.video:
                return False
            codec = getattr(container.streams.video[0].codec_context, "name", None)
            if codec is None:  # of a kind that this FFmpeg cannot decode
                return False
            picture = _first_telling(container.decode(video=0), codec)
    except (ClipError, av.FFmpegError):
        return False  # the reader of label videos tells what is wrong
    if picture is None:
        return False
    if _has_alpha(picture):
        return True
    if picture.format.name == "gray" and codec in _LOSSLESS:
        values = np.unique(np.asarray(picture.to_ndarray(), np.uint8))
        return 255 in values and not ((values > 0) & (values < 255)).any()
    rgb = picture.to_ndarray(format="rgb24").astype(np.int16)
    is_neutral = (rgb.max(axis=2) - rgb.min(axis=2)) <= _NEUTRAL
    level = rgb.mean(axis=2)
    is_extreme = (level <= _EXTREME) | (level >= 255 - _EXTREME)
    return bool(is_neutral.mean() >= _MOST and is_extreme.mean() >= _MOST)


def read_matte_video(path: Path, note: Note) -> Iterator[NDArray[np.uint8]]:
    """Yields the masks (H, W) of a matte: 1 where it is opaque or brighter than the middle, else 0.

    Raises:
        MaskError: the file breaks off.
    """
    try:
        with open_container(path) as container:
            for picture in container.decode(video=0):
                if _has_alpha(picture):
                    note("the video's alpha was read as the mask of one object: from 50 % on")
                    values = picture.to_ndarray(format="rgba")[..., 3]
                else:
                    note("the video was read as a matte of one object: white from 50 % on")
                    values = picture.to_ndarray(format="rgb24").mean(axis=2)
                yield (values >= _HALF).astype(np.uint8)
    except ClipError as error:
        raise MaskError(str(error)) from error
    except av.FFmpegError as error:
        raise MaskError(f"{path} breaks off or is damaged: {error.strerror}; write it again") from error


def _first_telling(pictures: Iterator[av.VideoFrame], codec: str) -> av.VideoFrame | None:
    """The first picture; of what may be label maps the first that is not black."""
    picture = None
    for picture in pictures:
        if picture.format.name != "gray" or codec not in _LOSSLESS or picture.to_ndarray().any():
            break
    return picture


def _has_alpha(picture: av.VideoFrame) -> bool:
    name = picture.format.name
    return name.startswith(("yuva", "gbrap", "ya")) or name in ("rgba", "bgra", "argb", "abgr", "rgba64le")
