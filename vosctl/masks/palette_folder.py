"""Format `palette`: a folder of palette PNGs, as DAVIS and YouTube-VOS have them."""

from collections.abc import Iterator
from pathlib import Path

from vosctl.errors import MaskError
from vosctl.masks.mask_writer import MaskWriter
from vosctl.masks.notes import VOID, Note
from vosctl.masks.reading import ColourIds, read_labels
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.frame_folder import list_images


class PaletteFolderWriter(ExportWriter):
    """Writes `STEM.png` for every frame, whose pixels are the ids, coloured by the DAVIS palette."""

    def __init__(self, path: Path, _: ClipInfo) -> None:
        super().__init__()
        self._masks = MaskWriter(path)

    def _add(self, frame: LabelledFrame) -> None:
        self._masks.write(frame.stem, frame.labels)

    def _close(self, error: BaseException | None, keep: bool) -> None:
        self._masks.__exit__(type(error) if error else None, error, None)


def read_mask_folder(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of a folder of images in natural order, or of one image.

    They may have any form that masks are read in.

    Raises:
        MaskError: an image cannot be read as a mask, or two have one name.
    """
    files = [path] if path.is_file() else list_images(path)
    stems = {file.stem: file for file in files}
    colour_ids: ColourIds = {}
    for file in files:
        if stems[file.stem] != file:
            raise MaskError(
                f"{path} holds {file.name} and {stems[file.stem].name}: two masks of one name; remove one"
            )
        labels, form = read_labels(file, None, colour_ids)
        if "void" in form:
            note(VOID)
        yield LabelledFrame(labels, file.stem)
