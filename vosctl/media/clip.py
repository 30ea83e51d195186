"""Opens whatever holds a clip: a video file, or a folder of images."""

from pathlib import Path

from vosctl.errors import ClipError
from vosctl.media.frame import Clip, ClipInfo, Frame
from vosctl.media.frame_folder import FrameFolder
from vosctl.media.video_clip import VideoClip

__all__ = ["Clip", "ClipInfo", "Frame", "open_clip"]


def open_clip(path: Path) -> Clip:
    """Opens the video file or folder of images at `path`; use it in a `with` statement.

    Raises:
        ClipError: there is nothing at `path`, or nothing in which a picture can be found.
    """
    if path.is_dir():
        return FrameFolder(path)
    if not path.exists():
        raise ClipError(f"{path} does not exist; give a video file or a folder of images")
    return VideoClip(path)
