"""How large the pictures of a file may claim to be."""

from vosctl.errors import ClipError, MaskError

MAX_PIXELS = 1 << 26
"""The most pixels of a frame, 8192x8192: a few bytes of a broken file must not fill the memory."""


def check_size(where: object, width: object, height: object) -> tuple[int, int]:
    """Returns (width, height), if a mask can be so large.

    Raises:
        MaskError: they are no whole numbers from 1 on, or the frame is too large.
    """
    is_size = all(
        isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in (width, height)
    )
    if not is_size:
        raise MaskError(f"{where} has the size {width}x{height}; expected whole numbers of pixels from 1 on")
    assert isinstance(width, int)
    assert isinstance(height, int)
    if width * height > MAX_PIXELS:
        raise MaskError(f"{where} claims {width}x{height} pixels; frames may have {MAX_PIXELS} at most")
    return width, height


def check_clip_size(where: object, width: int, height: int, max_pixels: int) -> None:
    """Makes sure, before anything is decoded, that a clip's pictures are not too large.

    Raises:
        ClipError: they have more than `max_pixels` pixels.
    """
    if width * height > max_pixels:
        raise ClipError(
            f"{where} has frames of {width}x{height} pixels, and more than {max_pixels} are not taken "
            f"unasked; if the memory is large enough, use --max-pixels {width * height}"
        )
