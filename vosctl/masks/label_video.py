"""Format `label-video`: the ids as gray values of one lossless video."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from vosctl.masks.label_video_file import LabelVideoWriter, read_label_video
from vosctl.masks.notes import VOID, Note
from vosctl.masks.reading import MAX_ID
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.video_clip import VideoClip


class LabelVideoExport(ExportWriter):
    """Writes a gray FFV1 `.mkv` with the clip's frame times."""

    def __init__(self, path: Path, source: ClipInfo) -> None:
        super().__init__()
        self._video = LabelVideoWriter(path, source.rate)

    def _add(self, frame: LabelledFrame) -> None:
        self._video.write(frame.labels, frame.time)

    def _close(self, error: BaseException | None, keep: bool) -> None:
        error = None if keep else error
        self._video.__exit__(type(error) if error else None, error, None)


def read_labels_of_video(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of a gray FFV1 video with their times.

    Raises:
        MaskError: the file cannot be read, or does not keep ids.
        TruncatedClipError: it breaks off; what came before has been yielded.
    """
    maps = read_label_video(path)
    first = next(maps, None)  # before the clip is opened, as this tells better why it is no label video
    if first is None:
        return
    # The second pass is for the times alone; decoding takes a millisecond a frame.
    for labels, frame in zip(chain([first], maps), VideoClip(path), strict=False):
        if labels.max() > MAX_ID:
            note(VOID)
            labels = np.where(labels > MAX_ID, np.uint8(0), labels)
        yield LabelledFrame(labels, frame.stem, frame.time)
