"""Pictures of film work, EXR and DPX, decoded by FFmpeg as RGB of 8 bits."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from vosctl.errors import ClipError
from vosctl.media.limits import check_clip_size

FILM_SUFFIXES = frozenset({".exr", ".dpx"})
_HALF, _FLOAT = np.dtype("<f2"), np.dtype("<f4")
_GRAY, _GBR = (0, 0, 0), (2, 0, 1)  # which planes red, green and blue are in
_FLOATS = {
    **{f"gray{one}le": (kind, _GRAY) for one, kind in (("f16", _HALF), ("f32", _FLOAT))},
    **{f"gbrp{one}le": (kind, _GBR) for one, kind in (("f16", _HALF), ("f32", _FLOAT))},
    **{f"gbrap{one}le": (kind, _GBR) for one, kind in (("f16", _HALF), ("f32", _FLOAT))},
}


def film_note(path: Path) -> str | None:
    """What people should know of how such a picture was understood; None for others."""
    notes = {
        ".exr": "EXR: linear light from 0 to 1 was taken as black to white, and brightened as sRGB does it",
        ".dpx": "DPX: its values were taken as they are, from black to white; a log curve stays flat",
    }
    return notes.get(path.suffix.lower())


def read_film(path: Path, max_pixels: int) -> NDArray[np.uint8]:
    """Decodes a picture as (H, W, 3) uint8 without alpha.

    Raises:
        ClipError: it cannot be read.
    """
    try:
        with av.open(f"file:{path}") as container:
            context = container.streams.video[0].codec_context
            check_clip_size(path, context.width, context.height, max_pixels)
            picture = next(container.decode(video=0), None)
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ClipError(f"{path} cannot be read as an image: {reason}; replace or remove it") from error
    if picture is None:
        raise ClipError(f"{path} cannot be read as an image: it holds none; replace or remove it")
    if picture.format.name not in _FLOATS:
        return np.asarray(picture.to_ndarray(format="rgb24"), np.uint8)
    kind, order = _FLOATS[picture.format.name]
    planes = [
        np.frombuffer(bytes(one), kind).reshape(one.height, -1)[:, : one.width] for one in picture.planes
    ]
    return _as_srgb(np.stack([planes[at] for at in order], axis=2).astype(np.float32))


def _as_srgb(linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Linear light (H, W, 3) as sRGB (IEC 61966-2-1); what lies outside of 0 to 1 is clipped."""
    light = np.nan_to_num(linear, posinf=1.0, neginf=0.0).clip(0, 1)
    curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(curved * 255), np.uint8)
