"""Format `rgba`: the objects cut out of the picture, as PNGs with an alpha channel."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosctl.files import make_folder
from vosctl.masks.png import save_png
from vosctl.masks.spec import Format
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo


class RgbaFolderWriter(ExportWriter):
    """Writes `STEM.png`: opaque where an object is, elsewhere transparent and black."""

    def __init__(self, path: Path, _: ClipInfo) -> None:
        super().__init__()
        make_folder(path)
        self._folder = path

    def _add(self, frame: LabelledFrame) -> None:
        save_png(self._folder / f"{frame.stem}.png", cut_out(frame))

    def _close(self, error: BaseException | None, keep: bool) -> None:
        return  # every file is whole already


def cut_out(frame: LabelledFrame) -> NDArray[np.uint8]:
    """The picture (H, W, 4) with straight alpha, 255 on objects; nothing of the background remains."""
    assert frame.rgb is not None
    picture = np.zeros((*frame.labels.shape, 4), np.uint8)
    opacity = frame.opacity()
    is_seen = opacity > 0
    picture[is_seen, :3] = frame.rgb[is_seen]
    picture[..., 3] = opacity
    return picture


FORMATS = (
    Format(
        "rgba", "folder of cut-out PNGs with alpha", RgbaFolderWriter, pattern="*.png", needs_pictures=True
    ),
)
