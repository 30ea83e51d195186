"""A clip from back to front, a bounded part of it in memory."""

from collections.abc import Iterator
from itertools import islice

from vosctl.media.frame import Clip, Frame

# Video is decoded forwards only, so a clip is read once for each part that fits: the larger, the fewer times.
_MEMORY = 512 << 20  # bytes of pictures


def reversed_frames(clip: Clip, last: int, first: int = 0, memory: int = _MEMORY) -> Iterator[Frame]:
    """Yields frames `last`, `last` - 1, ..., `first`.

    Args:
        clip: what to read; a folder is read once, a video once for each part.
        last: index of the first frame to yield; where the clip has fewer, it begins with its last one.
        first: index of the last frame to yield.
        memory: bytes of pictures to hold at most, at least one picture.

    Raises:
        ClipError: a frame cannot be read.
    """
    size = clip.info.width * clip.info.height * 3
    count = 1 if clip.info.is_folder else max(1, memory // size)
    end = last + 1
    while end > first:
        start = max(first, end - count)
        frames = list(islice(clip.frames_from(start), end - start))
        while frames:
            yield frames.pop()
        end = start
