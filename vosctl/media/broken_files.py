"""What the libraries that read images and arrays raise for files that are damaged."""

import struct
import tokenize

from PIL import Image

_STUMBLES = (
    OSError,
    ValueError,
    EOFError,
    SyntaxError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)

IMAGE_ERRORS = (*_STUMBLES, struct.error, Image.DecompressionBombError)
"""The errors of Pillow, whose readers trust what a header says."""
NPY_ERRORS = (*_STUMBLES, tokenize.TokenError)
"""The errors of NumPy for an `.npy`, whose header is text that it parses as Python."""
