"""Label Studio's run-length code of a brush: the bytes of an RGBA picture as runs, packed to the bit.

A code begins with the number of values (32 bits), the bits of a value less 1 (5 bits), and the bits of four
kinds of run lengths less 1 (4 bits each). A run follows another: one bit tells whether all its values are
equal, two bits which kind of length is next, then its length less 1, and then its value, or all its values.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADER = 32 + 5 + 4 * 4
_VALUE = 8  # bits of a value
_LENGTHS = (4, 8, 13, 16)  # bits of the four kinds of run length, as we write them
_CHANNELS = 4
_ON = 255


def mask_of_code(code: Any, height: int, width: int) -> NDArray[np.bool_]:
    """The mask (H, W) that a code describes: where its alpha is not 0.

    Raises:
        ValueError: it is none, or is of another size.
    """
    count = height * width * _CHANNELS
    values = np.zeros(count, np.uint8)
    bits = _Bits(code)
    if bits.read(32) != count:
        raise ValueError(f"its code is not of {width}x{height} pixels")
    word = bits.read(5) + 1
    sizes = [bits.read(4) + 1 for _ in range(4)]
    place = 0
    while place < count:
        is_run = bits.read(1)
        end = place + 1 + bits.read(sizes[bits.read(2)])
        if end > count:
            raise ValueError("its code reaches beyond the picture")
        if is_run:
            values[place:end] = bits.read(word) >> max(0, word - 8)
        else:
            for index in range(place, end):
                values[index] = bits.read(word) >> max(0, word - 8)
        place = end
    alpha = values.reshape(height, width, _CHANNELS)[..., _CHANNELS - 1]
    return alpha > 0


def code_of_mask(mask: NDArray[np.bool_]) -> list[int]:
    """The code of a mask (H, W): 255 in all four channels where it is set."""
    flat = np.repeat(mask.ravel(), _CHANNELS)
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    lengths = np.diff(starts, append=flat.size)
    parts = [f"{flat.size:032b}{_VALUE - 1:05b}", *(f"{bits - 1:04b}" for bits in _LENGTHS)]
    longest = 1 << _LENGTHS[-1]
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        value = f"{_ON if flat[start] else 0:08b}"
        while length:
            now = min(length, longest)
            kind = next(n for n, bits in enumerate(_LENGTHS) if now <= 1 << bits)
            parts.append(f"1{kind:02b}{now - 1:0{_LENGTHS[kind]}b}{value}")
            length -= now
    text = "".join(parts)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


class _Bits:
    """Reads numbers of any length from bytes, the highest bit first."""

    def __init__(self, code: Any) -> None:
        try:
            self._bytes = bytes(iter(code))  # bytes(NUMBER) would make so many of them
        except (TypeError, ValueError) as error:
            raise ValueError("its code is no list of bytes") from error
        if len(self._bytes) * 8 < _HEADER:
            raise ValueError("its code breaks off")
        self._place = 0

    def read(self, count: int) -> int:
        end = self._place + count
        if end > len(self._bytes) * 8:
            raise ValueError("its code breaks off")
        first, last = self._place // 8, -(-end // 8)
        number = int.from_bytes(self._bytes[first:last], "big") >> (last * 8 - end)
        self._place = end
        return number & ((1 << count) - 1)
