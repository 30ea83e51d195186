"""Random damage to valid files, and the repair of checksums that would hide it from the code behind them."""

import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

_PNG_SIGNATURE = 8  # bytes
_INTERESTING = (0, 1, 2, 127, 128, 254, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
_TOKENS = ("0", "-1", "1e999", "NaN", "null", "true", '""', "[]", "{}", '"../../x"', "9" * 30, "[[1]]", "0.5")

_VALUES = (0, -1, 1.5, 1e18, 2**40, 10**30, float("nan"), "", "x" * 5000, "a\n\x1b[31m", "../x", True, [], {})
_VALUES += (None, False, [[[]]], {"size": [0, 0]}, [0] * 7, "\ud800", [1e9, -1e9, 5], 255, 256, "1")


def damage(data: bytes, generator: random.Random, other: bytes = b"") -> bytes:
    """One to eight changes of bytes: flipped, overwritten, cut, inserted, repeated, or taken from `other`."""
    changed = bytearray(data)
    for _ in range(generator.randint(1, 8)):
        at = generator.randrange(len(changed) + 1)
        length = min(generator.choice((1, 1, 2, 4, 8, 64, 1024)), len(changed) - at)
        match generator.randrange(8):
            case 0 if at < len(changed):
                changed[at] ^= 1 << generator.randrange(8)
            case 1 if at < len(changed):
                changed[at] = generator.choice(_INTERESTING) & 0xFF
            case 2:
                form = generator.choice(("<I", ">I", "<H", ">H"))
                value = generator.choice(_INTERESTING) & (0xFFFFFFFF if form[1] == "I" else 0xFFFF)
                changed[at : at + struct.calcsize(form)] = struct.pack(form, value)
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = generator.randbytes(generator.choice((1, 4, 64)))
            case 5:
                changed[at:at] = changed[at : at + length]
            case 6 if generator.random() < 0.3:
                del changed[at:]
            case _ if other:
                start = generator.randrange(len(other))
                changed[at : at + length] = other[start : start + length]
    return bytes(changed)


def damage_png(data: bytes, generator: random.Random) -> bytes:
    """Damages a PNG's chunks, each under a checksum that is right."""
    chunks = []
    at = _PNG_SIGNATURE
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += length + 12
    victim = generator.randrange(len(chunks))
    kind, body = chunks[victim]
    if kind == b"IDAT" and generator.random() < 0.5:
        body = zlib.compress(damage(zlib.decompress(body), generator))
    else:
        body = damage(body, generator)
    chunks[victim] = (kind, body)
    match generator.randrange(6):
        case 0:
            chunks.append(chunks.pop(generator.randrange(len(chunks))))
        case 1:
            chunks.insert(generator.randrange(len(chunks)), generator.choice(chunks))
    written = data[:_PNG_SIGNATURE]
    for kind, body in chunks:
        written += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return written


def damage_text(data: bytes, generator: random.Random) -> bytes:
    """Replaces, removes or repeats single numbers, words and marks of a text such as JSON or CSV."""
    tokens = re.findall(r'"[^"]*"|[-\w.]+|\s+|.', data.decode(), re.DOTALL)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(tokens))
        match generator.randrange(4):
            case 0:
                tokens[at] = str(generator.choice(_INTERESTING))
            case 1:
                tokens[at] = generator.choice(_TOKENS)
            case 2:
                tokens[at] = ""
            case _:
                tokens[at] *= 2
    return "".join(tokens).encode()


def damage_json(data: bytes, generator: random.Random) -> bytes:
    """Changes, takes away or doubles values at one to three places of a document, which stays JSON."""
    document = json.loads(data)
    for _ in range(generator.randint(1, 3)):
        places = list(_places(document))
        if not places:
            break
        at, key = generator.choice(places)
        match generator.randrange(6):
            case 0:
                del at[key]
            case 1 if isinstance(at, list):
                at.insert(key, deepcopy(at[key]))
            case 2:
                other, name = generator.choice(places)
                at[key] = deepcopy(other[name])
            case 3 if isinstance(at[key], int | float):
                at[key] = generator.choice(
                    (-at[key], at[key] + 1, at[key] * 1000, str(at[key]), at[key] + 0.5)
                )
            case _:
                at[key] = deepcopy(generator.choice(_VALUES))
    return json.dumps(document).encode()


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Each list or object of a document with each of its keys."""
    if not isinstance(document, list | dict):
        return
    for key in list(document) if isinstance(document, dict) else range(len(document)):
        yield document, key
        yield from _places(document[key])


def damage_xml(data: bytes, generator: random.Random) -> bytes:
    """Gives one to three attributes another value, or takes away or doubles lines; mostly it stays XML."""
    lines = data.decode().splitlines(keepends=True)
    for _ in range(generator.randint(1, 3)):
        at = generator.randrange(len(lines))
        found = list(re.finditer(r'="([^"]*)"|>([^<>]+)<', lines[at]))
        if found and generator.random() < 0.8:
            one = generator.choice(found)
            group = 1 if one[1] is not None else 2
            start, end = one.span(group)
            value = generator.choice((*_TOKENS, str(generator.choice(_INTERESTING)), "", one[group] * 2))
            value = value.replace('"', "") if generator.random() < 0.9 else value
            lines[at] = lines[at][:start] + value + lines[at][end:]
        elif generator.random() < 0.5:
            lines[at] *= 2
        else:
            lines[at] = ""
    return "".join(lines).encode()


def damage_zip(data: bytes, generator: random.Random) -> bytes:
    """Damages a member of an archive, under a checksum that is right."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as to,
    ):
        names = source.namelist()
        victim = generator.choice(names)
        for name in names:
            body = source.read(name)
            if name == victim:
                if generator.random() < 0.1:
                    continue
                body = damage(body[:256], generator) + body[256:]  # the header is what there is to break
            to.writestr(name, body)
    return written.getvalue()
