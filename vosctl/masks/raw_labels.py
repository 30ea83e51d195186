"""Format `raw`: the label maps' bytes, one map after another, for programs that read a pipe."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from vosctl.masks.spec import Format
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.sink import open_sink


class RawLabelsWriter(ExportWriter):
    """Writes H x W bytes a frame, row by row, each the object's id: `-f rawvideo -pix_fmt gray` to FFmpeg."""

    def __init__(self, path: Path, _: ClipInfo) -> None:
        super().__init__()
        with ExitStack() as stack:
            self._write: Callable[[bytes], int] = stack.enter_context(open_sink(path)).write
            self._stack = stack.pop_all()

    def _add(self, frame: LabelledFrame) -> None:
        self._write(frame.labels.tobytes())

    def _close(self, error: BaseException | None, keep: bool) -> None:
        error = None if keep else error
        self._stack.__exit__(type(error) if error else None, error, None)


FORMATS = (
    Format("raw", "ids as raw bytes, for pipes", RawLabelsWriter, (".gray", ".raw"), suits_pipes=True),
)
