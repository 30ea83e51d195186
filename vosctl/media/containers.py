"""How media containers are opened: which kinds of file, over which protocols, and how large a picture.

FFmpeg reads playlists and scripts (HLS, DASH, ffconcat, SDP and others) that name further files and
addresses, and it draws text as pictures. Nobody means these as a clip, and a file from a stranger must not
open other files: only the formats that hold the pictures themselves are taken.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import av
import av.container

from vosctl.errors import ClipError
from vosctl.media.limits import MAX_PIXELS

_PATIENCE = 15.0  # seconds for a network or a camera to answer

# Names of FFmpeg's demuxers: containers, bare streams, and single pictures.
_FORMATS = (  # noqa: SIM905 (a hundred strings, one a line, are no easier to read)
    "mov matroska webm avi mpegts mpegtsraw mpeg mpegvideo flv live_flv kux asf asf_o ogg mxf nut nuv "
    "gxf lxf ivf ivr rm dv wtv wv yuv4mpegpipe h261 h263 h264 hevc vvc evc av1 obu vc1 vc1test m4v "
    "mjpeg mjpeg_2000 mpjpeg dirac dnxhd cavsvideo avs2 avs3 apv ipu gif apng jpegxl_anim webp flic swf amv "
    "nsv pva pmp r3d mlv cine ser bink smk roq vivo ty film_cpk dhav argo_brp iff rawvideo v210 v210x "
    "bitpacked bmp_pipe dds_pipe dpx_pipe exr_pipe gif_pipe hdr_pipe j2k_pipe jpeg_pipe jpegls_pipe "
    "jpegxl_pipe pam_pipe pbm_pipe pcx_pipe pfm_pipe pgm_pipe pgmyuv_pipe png_pipe ppm_pipe psd_pipe "
    "qoi_pipe sgi_pipe sunrast_pipe tiff_pipe webp_pipe image2"
).split()
# Sound is opened too, so that the message is that there is no picture in it.
_SOUND = ("aac", "ac3", "aiff", "amr", "ape", "au", "caf", "dts", "eac3", "flac", "mp3", "tta", "w64", "wav")
# A server may send these, which are of the network, and reach no file of this machine.
_NETWORK_FORMATS = ("hls", "dash", "rtsp", "rtp")
_WEB = "http,https,httpproxy,tcp,tls,crypto"
# What an address of each protocol may open, whatever the answer says.
_PROTOCOLS = {
    "http": _WEB,
    "https": _WEB,
    "tcp": "tcp",
    "udp": "udp",
    "srt": "srt",
    "rtp": "rtp,rtcp,udp",
    "rtsp": "rtsp,rtsps,rtp,rtcp,srtp,udp,tcp,tls",
    "rtsps": "rtsp,rtsps,rtp,rtcp,srtp,udp,tcp,tls",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tcp,tls",
}
_NO_PROTOCOL = "none"  # names none of FFmpeg's, which would take an empty list for no list

_NOT_A_CLIP = (
    "no video in a format that vosctl takes; playlists and scripts, which name other files, are refused: "
    "give a video file or a folder of images"
)


class Readable(Protocol):
    """What FFmpeg's wrapper takes for a file."""

    def read(self, size: int) -> bytes:
        """Gives up to `size` bytes, and none at the end."""


@contextmanager
def open_container(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[av.container.InputContainer]:
    """Opens a media file for reading.

    Raises:
        ClipError: it cannot be opened, or is not media.
    """
    try:
        if path.stat().st_size == 0:
            raise ClipError(f"{path} is an empty file; give a video file or a folder of images")
        # "file:" keeps FFmpeg from taking a colon in the name for a protocol.
        container = av.open(
            f"file:{path}", "r", options=_options("file", max_pixels), metadata_errors="replace"
        )
    except av.error.ArgumentError as error:  # FFmpeg's answer to a format that is not on the list
        raise ClipError(f"{path} holds {_NOT_A_CLIP}") from error
    except (av.error.InvalidDataError, av.error.EOFError) as error:
        raise ClipError(
            f"{path} is not a video that FFmpeg can read, or it is incomplete; check that it plays"
        ) from error
    except OSError as error:
        raise ClipError(
            f"{path} cannot be opened: {error.strerror}; check the file and its permissions"
        ) from error
    except (av.FFmpegError, ValueError) as error:
        reason = error.strerror if isinstance(error, av.FFmpegError) else error
        raise ClipError(f"{path} cannot be read as a video: {reason}; check that it plays") from error
    with container:
        yield container


def open_pipe(pipe: Readable, max_pixels: int = MAX_PIXELS) -> av.container.InputContainer:
    """Opens what comes through a pipe.

    Raises:
        ValueError: it is of a format that is no clip.
        OSError: as of FFmpeg, whose errors may also be `av.FFmpegError`.
    """
    return _opened(pipe, _options(_NO_PROTOCOL, max_pixels))


def open_address(url: str, device: str | None, max_pixels: int = MAX_PIXELS) -> av.container.InputContainer:
    """Opens a network address, or a camera where `device` names FFmpeg's kind of input device.

    Raises:
        ValueError: it is of a format that is no clip.
        OSError: as of FFmpeg, whose errors may also be `av.FFmpegError`.
    """
    if device:
        return av.open(url, "r", format=device, timeout=_PATIENCE, metadata_errors="replace")
    scheme = url.partition(":")[0]
    options = _options(_PROTOCOLS[scheme], max_pixels, _NETWORK_FORMATS)
    if scheme.startswith("rtsp"):
        options["rtsp_transport"] = "tcp"
    return _opened(url, options)


def _opened(source: str | Readable, options: dict[str, str]) -> av.container.InputContainer:
    timeout = _PATIENCE if isinstance(source, str) else None
    try:
        return av.open(source, "r", options=options, timeout=timeout, metadata_errors="replace")
    except av.error.ArgumentError as error:
        raise ValueError(f"it holds {_NOT_A_CLIP}") from error


def _options(protocols: str, max_pixels: int, more_formats: tuple[str, ...] = ()) -> dict[str, str]:
    return {
        "format_whitelist": ",".join((*_FORMATS, *_SOUND, *more_formats)),
        "protocol_whitelist": protocols,
        "pattern_type": "none",  # a picture's name with % or * in it is that one file's
        "max_pixels": str(max_pixels),  # nothing larger is decoded to find out what the header leaves open
    }
