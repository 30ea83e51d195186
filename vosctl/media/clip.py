"""Opens whatever holds a clip: a video file, a folder of images, or a stream."""

from fractions import Fraction
from pathlib import Path

from vosctl.errors import ClipError
from vosctl.media.frame import Clip, ClipInfo, Frame
from vosctl.media.frame_folder import FrameFolder
from vosctl.media.limits import MAX_PIXELS
from vosctl.media.stream_address import stream_address
from vosctl.media.stream_clip import StreamClip
from vosctl.media.video_clip import VideoClip

__all__ = ["Clip", "ClipInfo", "Frame", "open_clip"]


def open_clip(
    path: Path,
    live: bool | None = None,
    stream: int | None = None,
    max_pixels: int | None = None,
    rate: Fraction | None = None,
) -> Clip:
    """Opens the video file, folder of images or stream at `path`; use it in a `with` statement.

    Args:
        path: a file, a folder, a named pipe, "-" for standard input, /dev/video0, or an address.
        live: drop frames of a stream that comes faster than it is taken; by default, of cameras and of
            networks that do not wait.
        stream: number of the video stream to take, counted from 0; None takes the largest default one.
        max_pixels: how many pixels a frame may have; None is `limits.MAX_PIXELS`.
        rate: frames per second of a folder of images, which has no times of its own.

    Raises:
        ClipError: there is nothing at `path`, or nothing in which a picture can be found.
    """
    most = MAX_PIXELS if max_pixels is None else max_pixels
    address = stream_address(path)
    if address and not rate:
        return StreamClip(address, path, address.is_live if live is None else live, stream, most)
    if path.is_dir():
        if stream:
            raise ClipError(f"{path} is a folder of images, which has no stream {stream}")
        return FrameFolder(path, most, rate)
    if rate:
        raise ClipError(f"{path} has times of its own; --fps is for folders of images")
    if not path.exists():
        raise ClipError(f"{path} does not exist; give a video file or a folder of images")
    if not path.is_file():
        raise ClipError(f"{path} is a device, which holds no video; give a video file or a folder of images")
    return VideoClip(path, stream, most)
