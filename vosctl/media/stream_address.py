"""Names of clips that are no files: standard input, pipes, network streams, cameras."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

if sys.platform == "win32":
    from pathlib import WindowsPath as SystemPath
else:
    from pathlib import PosixPath as SystemPath

# What comes over these at the speed of life; HTTP waits until it is read.
_LIVE = ("rtsp", "rtsps", "rtmp", "rtmps", "rtp", "srt", "udp")
# A plain `Path` has made one slash of two.
_NETWORK = re.compile(rf"({'|'.join((*_LIVE, 'http', 'https', 'tcp'))}):/+(.+)")
_DEVICE = re.compile(r"(v4l2|avfoundation|dshow):(.+)", re.DOTALL)
_CAMERA = re.compile(r"/dev/video\d+")


class NetworkPath(SystemPath):
    """A network address where a path is wanted, with its slashes as they were written.

    Other paths make one slash of two and drop the last one, which servers need not take for the same. What
    is made from it, its parent, say, is a plain path.
    """

    address = ""  # of those that are made without __new__, as Python 3.11 makes parents

    def __new__(cls, address: str) -> Self:
        """As it was typed."""
        path = super().__new__(cls, address)
        path.address = address
        return path

    def with_segments(self, *segments: str | Path) -> Path:
        """What later versions of Python make parents with."""
        return Path(*segments)

    def __str__(self) -> str:
        return self.address or super().__str__()

    def __reduce__(self) -> tuple[Callable[[str], Path], tuple[str]]:
        return clip_path, (str(self),)


def clip_path(text: str) -> Path:
    """A clip's name, as it was typed, as a path."""
    return NetworkPath(text) if _NETWORK.fullmatch(text) else Path(text)


@dataclass(frozen=True)
class StreamAddress:
    """A source of frames that can be read only once."""

    name: str
    """For people, and for the names of results; without user and password."""
    url: str | None = None
    """What FFmpeg opens; None where vosctl reads the bytes itself."""
    device: str | None = None
    """FFmpeg's kind of input device."""
    is_live: bool = False
    """It goes on whether or not it is read."""


def stream_address(path: Path) -> StreamAddress | None:
    """What kind of stream a name means; None if it means a file or a folder."""
    text = str(path)
    if text == "-":
        return StreamAddress("stdin")
    if _CAMERA.fullmatch(text):
        return StreamAddress(text, text, "v4l2", is_live=True)
    if path.is_fifo() or (path.is_char_device() and text == "/dev/stdin"):
        return StreamAddress(text)
    if path.exists():
        return None
    if device := _DEVICE.fullmatch(text):
        return StreamAddress(text, device[2], device[1], is_live=True)
    if network := _NETWORK.fullmatch(text):
        url = f"{network[1]}://{network[2]}"
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return StreamAddress(f"{network[1]}://{host}{parts.path}", url, is_live=network[1] in _LIVE)
    return None
