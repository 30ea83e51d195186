"""OpenEXR files of half floats: written with named channels, and read back.

https://openexr.com/en/latest/OpenEXRFileLayout.html: after the magic number and the version come attributes
(name, type, size, value), a table of offsets, and blocks of scan lines. ZIP packs 16 lines: bytes are split
into those of even and of odd places, each is written as its difference to the one before plus 128, and that
is deflated.
"""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vosctl.errors import MaskError
from vosctl.media.limits import check_size

Channels = Mapping[str, NDArray[np.float32]]

_MAGIC, _VERSION = 20000630, 2
_LONG_NAMES = 0x400
_SINGLE_PART = 0xFF | _LONG_NAMES  # bits of the version that this reader understands
_LINES = {0: 1, 2: 1, 3: 16}  # of a block, by compression: none, ZIPS, ZIP
_ZIP = 3
_TYPES: dict[int, np.dtype[Any]] = {0: np.dtype("<u4"), 1: np.dtype("<f2"), 2: np.dtype("<f4")}
_HALF = 1
_MOST_CHANNELS = 1024
_MOST_VALUES = 1 << 28  # of all channels: 4K with 32 of them
_MOST_IN_BLOCK = 1 << 28  # bytes


def write_exr(path: Path, channels: Channels, extra: Mapping[str, str] | None = None) -> None:
    """Writes channels (H, W) by name, as half floats, packed with ZIP; `extra` are attributes of text."""
    names = sorted(channels)
    height, width = channels[names[0]].shape
    listed = b"".join(name.encode("ascii") + b"\0" + struct.pack("<iB3xii", _HALF, 1, 1, 1) for name in names)
    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    header = struct.pack("<ii", _MAGIC, _VERSION | (_LONG_NAMES if max(map(len, names)) > 31 else 0))
    attributes = [
        ("channels", "chlist", listed + b"\0"),
        ("compression", "compression", bytes([_ZIP])),
        ("dataWindow", "box2i", box),
        ("displayWindow", "box2i", box),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1)),
        ("screenWindowCenter", "v2f", struct.pack("<ff", 0, 0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
        *((key, "string", value.encode("utf-8")) for key, value in (extra or {}).items()),
    ]
    for name, kind, value in attributes:
        header += name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value
    header += b"\0"
    halves = [channels[name].astype("<f2") for name in names]
    blocks = []
    for top in range(0, height, _LINES[_ZIP]):
        lines = range(top, min(top + _LINES[_ZIP], height))
        raw = b"".join(half[line].tobytes() for line in lines for half in halves)
        packed = zlib.compress(_interleaved(raw), 4)
        data = packed if len(packed) < len(raw) else raw  # what does not get smaller stands as it is
        blocks.append(struct.pack("<ii", top, len(data)) + data)
    offset = len(header) + 8 * len(blocks)
    offsets = []
    for block in blocks:
        offsets.append(struct.pack("<Q", offset))
        offset += len(block)
    path.write_bytes(header + b"".join(offsets) + b"".join(blocks))


def _interleaved(raw: bytes) -> bytes:
    data = np.frombuffer(raw, np.uint8)
    split = np.concatenate([data[0::2], data[1::2]]).astype(np.int16)
    split[1:] = split[1:] - split[:-1] + 128
    return split.astype(np.uint8).tobytes()


def _restored(packed: bytes, size: int) -> bytes:
    steps = np.frombuffer(packed, np.uint8).copy()
    if len(steps) != size:
        raise ValueError("a block has another size than its lines")
    steps[1:] -= np.uint8(128)
    split = np.cumsum(steps, dtype=np.uint8)  # the steps are modulo 256
    data = np.empty(size, np.uint8)
    half = (size + 1) // 2
    data[0::2], data[1::2] = split[:half], split[half:]
    return data.tobytes()


def read_exr(path: Path) -> dict[str, NDArray[np.float32]]:
    """The channels (H, W) of a file of scan lines, by name.

    Raises:
        MaskError: it is damaged, or packed in a way that is not read here.
    """
    try:
        return _read(path, path.read_bytes())
    except OSError as error:
        raise MaskError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    except (struct.error, ValueError, IndexError, zlib.error, OverflowError, KeyError) as error:
        raise MaskError(f"{path} is not an EXR that can be read: {error}; save it as PNG") from error


def _read(path: Path, data: bytes) -> dict[str, NDArray[np.float32]]:
    magic, version = struct.unpack_from("<ii", data)
    if magic != _MAGIC or version & ~_SINGLE_PART:
        raise MaskError(f"{path} is no EXR of one part with scan lines; save it as one, packed with ZIP")
    place, attributes = 8, {}
    while data[place]:
        end = data.index(b"\0", place)
        name = data[place:end]
        end = data.index(b"\0", end + 1)
        (size,) = struct.unpack_from("<i", data, end + 1)
        if size < 0:
            raise ValueError("an attribute has a negative size")
        attributes[name] = data[end + 5 : end + 5 + size]
        place = end + 5 + size
    place += 1
    compression = attributes[b"compression"][0]
    if compression not in _LINES:
        raise MaskError(
            f"{path} is packed in a way (number {compression}) that is not read; save it with ZIP"
        )
    left, top, right, bottom = struct.unpack("<4i", attributes[b"dataWindow"])
    width, height = check_size(path, right - left + 1, bottom - top + 1)
    channels = _channels(attributes[b"channels"])
    in_line = width * sum(kind.itemsize for _, kind in channels)
    if (
        width * height * len(channels) > _MOST_VALUES
        or in_line * min(height, _LINES[compression]) > _MOST_IN_BLOCK
    ):
        raise MaskError(
            f"{path} claims {len(channels)} channels of {width}x{height} pixels, which is more than is read; "
            "save the mattes alone"
        )
    found = {name: np.zeros((height, width), np.float32) for name, _ in channels}
    step = _LINES[compression]
    for number in range(-(-height // step)):
        (offset,) = struct.unpack_from("<Q", data, place + 8 * number)
        line, size = struct.unpack_from("<ii", data, offset)
        block = data[offset + 8 : offset + 8 + size]
        first = line - top
        if not 0 <= first < height:
            raise ValueError("a block is of no line")
        lines = range(first, min(first + step, height))
        full = len(lines) * in_line
        if compression and len(block) < full:
            inflated = zlib.decompressobj().decompress(block, full + 1)
            block = _restored(inflated, full)
        at = 0
        for row in lines:
            for channel, kind in channels:
                found[channel][row] = np.frombuffer(block, kind, width, at)
                at += width * kind.itemsize
    return found


def _channels(listed: bytes) -> list[tuple[str, np.dtype[Any]]]:
    channels: list[tuple[str, np.dtype[Any]]] = []
    place = 0
    while listed[place] and len(channels) < _MOST_CHANNELS:
        end = listed.index(b"\0", place)
        kind, _, x, y = struct.unpack_from("<iB3xii", listed, end + 1)
        if (x, y) != (1, 1):
            raise ValueError("a channel is of another size")
        channels.append((listed[place:end].decode("latin-1"), _TYPES[kind]))
        place = end + 17
    return channels
