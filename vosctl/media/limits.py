"""Sizes that a file may claim."""

from vosctl.errors import MaskError

_MAX_PIXELS = 1 << 26  # of a frame, 8192x8192: a few bytes of a broken file must not fill the memory


def check_size(where: object, width: object, height: object) -> tuple[int, int]:
    """(width, height), if a frame can be so large.

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
    if width * height > _MAX_PIXELS:
        raise MaskError(f"{where} claims {width}x{height} pixels; frames may have {_MAX_PIXELS} at most")
    return width, height
