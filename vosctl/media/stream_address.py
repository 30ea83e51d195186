"""Names of clips that are no files: standard input, pipes, network streams, cameras."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# What comes over these at the speed of life; HTTP waits until it is read.
_LIVE = ("rtsp", "rtsps", "rtmp", "rtmps", "rtp", "srt", "udp")
# A `Path` has made one slash of two.
_NETWORK = re.compile(rf"({'|'.join((*_LIVE, 'http', 'https', 'tcp'))}):/+(.+)")
_DEVICE = re.compile(r"(v4l2|avfoundation|dshow):(.+)", re.DOTALL)
_CAMERA = re.compile(r"/dev/video\d+")


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
