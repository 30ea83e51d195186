"""Odd and broken files, and what may not happen with them."""

import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.cli.command import Result
from tests.small import moving_discs

SIZE = (64, 48)  # (width, height)
Make = Callable[[], object]
FRAMES, LABELS = moving_discs(6, SIZE, objects=1, radius=10)
MASK = LABELS[0]


def encode(
    path: str,
    pictures: list[np.ndarray] | None = None,
    *,
    container: str | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    pts: Callable[[int], int] | None = None,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    trc: int | None = None,
) -> bytes:
    """Writes a clip of six pictures at 25 frames a second; returns its bytes."""
    with av.open(path, "w", format=container, container_options=muxer or {}) as output:
        stream = output.add_stream(codec, rate=25, options=options or {})
        pictures = FRAMES if pictures is None else pictures
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if trc is not None:
            stream.codec_context.color_trc, stream.codec_context.color_primaries = trc, 9
            stream.codec_context.colorspace = 9
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture))
            frame.pts, frame.time_base = pts(index) if pts else index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return Path(path).read_bytes()


def write(path: str, data: bytes) -> None:
    Path(path).write_bytes(data)


def png_of(width: int, height: int, data: bytes) -> bytes:
    """A gray PNG whose header claims a size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def png(array: np.ndarray) -> bytes:
    written = BytesIO()
    Image.fromarray(array).save(written, "PNG")
    return written.getvalue()


def check_refused(result: Result, name: str) -> None:
    assert result.code == 2, (result.code, result.err)
    assert " ".join(name.split()) in result.error
    assert result.out == ""


def check_clean(folder: Path) -> None:
    assert not list(folder.glob("**/.*part*"))
    for mask in folder.glob("out/*.png"):
        with Image.open(mask) as image:
            image.load()
