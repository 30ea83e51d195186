"""Pictures to fill clips with."""

import av
import numpy as np


def scene(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Pictures (H, W, 3) that no turn, mirror or exchange of channels maps to themselves."""
    rows = np.linspace(40, 200, height)[:, None] + np.zeros(width)
    columns = np.linspace(60, 160, width)[None] + np.zeros((height, 1))
    pictures = []
    for index in range(count):
        picture = np.stack([rows, columns, np.full_like(rows, 90)], -1).astype(np.uint8)
        left = 4 + 2 * index % (width // 2)
        picture[4 : height // 3, left : left + width // 4] = (220, 40, 60)
        pictures.append(picture)
    return pictures


def flat_frame(values: tuple[int, ...], pix_fmt: str, width: int = 64, height: int = 48) -> av.VideoFrame:
    """A picture whose planes hold one value each, such as (y, u, v)."""
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane, value in zip(frame.planes, values, strict=True):
        size = 2 if "10le" in pix_fmt else 1
        plane.update(value.to_bytes(size, "little") * (plane.buffer_size // size))
    return frame
