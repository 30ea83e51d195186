"""What the writers of video files share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from vosctl.errors import OutputError
from vosctl.files import atomic_path


@contextmanager
def atomic_video(path: Path) -> Iterator[Path]:
    """Does what `atomic_path` does, for a body that writes with FFmpeg: its errors are not all `OSError`."""
    try:
        with atomic_path(path) as temporary:
            yield temporary
    except av.FFmpegError as error:
        raise OutputError(f"{path} cannot be encoded: {error.strerror}; try another kind of file") from error
