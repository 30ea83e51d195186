"""Names of clips that are no files: standard input, pipes, network streams, cameras."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vosctl.errors import ClipError

if sys.platform == "win32":
    from pathlib import WindowsPath as SystemPath
else:
    from pathlib import PosixPath as SystemPath

# What comes over these at the speed of life; HTTP waits until it is read.
_LIVE = ("rtsp", "rtsps", "rtmp", "rtmps", "rtp", "srt", "udp")
# A plain `Path` has made one slash of two.
_NETWORK = re.compile(rf"({'|'.join((*_LIVE, 'http', 'https', 'tcp'))}):/+(.+)")
_PUBLIC = re.compile(r"(?:[^/?#]*@)?([^?#]*)")  # what comes before @ are user and password
_DEVICE = re.compile(r"(v4l2|avfoundation|dshow):(.+)", re.DOTALL)
_CAMERA = re.compile(r"/dev/video\d+")


class NetworkPath(SystemPath):
    """A network address where a path is wanted; as text it is without user, password and query.

    It is made by `clip_path`. What is made from one, its parent, say, is a plain path.
    """

    address = ""
    """The address as it was typed, with all slashes: servers need not take one for two."""

    def with_segments(self, *segments: str | Path) -> Path:
        """What later versions of Python make parents with."""
        return Path(*segments)

    def __str__(self) -> str:
        network = _NETWORK.fullmatch(self.address)
        return _public_name(network) if network else super().__str__()

    def __reduce__(self) -> tuple[Callable[[str], Path], tuple[str]]:
        return clip_path, (self.address or str(self),)


def clip_path(text: str) -> Path:
    """Returns a clip's name, as it was typed, as a path.

    Raises:
        ClipError: the name is empty, which as a path would be the current folder.
    """
    if not text:
        raise ClipError("the clip's name is empty; give a video file, a folder of images or a stream")
    network = _NETWORK.fullmatch(text)
    if not network:
        return Path(text)
    path = NetworkPath(_public_name(network))
    path.address = text
    return path


def _public_name(network: re.Match[str]) -> str:
    public = _PUBLIC.match(network[2])
    assert public
    return f"{network[1]}://{public[1]}"


@dataclass(frozen=True)
class StreamAddress:
    """A source of frames that can be read only once."""

    name: str
    """A name for people and for results, without user, password and query."""
    url: str | None = None
    """What FFmpeg opens; None where vosctl reads the bytes itself."""
    device: str | None = None
    """FFmpeg's kind of input device."""
    is_live: bool = False
    """It goes on whether or not it is read."""


def stream_address(path: Path) -> StreamAddress | None:
    """Returns what kind of stream a name means, or None if it means a file or a folder."""
    text = (path.address if isinstance(path, NetworkPath) else "") or str(path)
    if local := _local_stream(path, text):
        return local
    return None if path.exists() else _far_stream(text)


def _local_stream(path: Path, text: str) -> StreamAddress | None:
    """Returns the stream that a place in the file system is."""
    if text == "-":
        return StreamAddress("stdin")
    if _CAMERA.fullmatch(text):
        return StreamAddress(text, text, "v4l2", is_live=True)
    if path.is_fifo() or (path.is_char_device() and text == "/dev/stdin"):
        return StreamAddress(text)
    return None


def _far_stream(text: str) -> StreamAddress | None:
    """Returns the stream that a name of FFmpeg's or an address means."""
    if device := _DEVICE.fullmatch(text):
        return StreamAddress(text, device[2], device[1], is_live=True)
    if network := _NETWORK.fullmatch(text):
        url = f"{network[1]}://{network[2]}"
        return StreamAddress(_public_name(network), url, is_live=network[1] in _LIVE)
    return None
