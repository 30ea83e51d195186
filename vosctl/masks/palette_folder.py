"""Format `palette`: a folder of palette PNGs, as DAVIS and YouTube-VOS have them."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from vosctl.arrays import Labels
from vosctl.errors import MaskError
from vosctl.files import make_folder
from vosctl.masks.notes import VOID_IS_BACKGROUND, Note
from vosctl.masks.pixel_ids import ColourIds
from vosctl.masks.reading import read_labels
from vosctl.masks.spec import Format, Reader
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.frame_folder import IMAGE_SUFFIXES, list_images
from vosctl.media.palette import save_palette_png


class MaskWriter:
    """Writes label maps as `STEM.png` into a folder, which is made if it is missing.

    Each file is written whole or not at all. A file that could not be written makes the next `write`, or at
    the latest the end of the `with` block, raise. When the block ends, by an exception too (Ctrl-C among
    them), the masks handed over before are still written.

    Raises:
        OutputError: the folder cannot be made, or a file cannot be written.
    """

    def __init__(self, folder: Path, threads: int = 2) -> None:
        make_folder(folder)
        self._folder = folder
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="vosctl-masks")
        # Bounds the label maps held in memory when the disk is slower than the tracker.
        self._depth = 4 * threads
        self._places = threading.BoundedSemaphore(self._depth)
        self._failure: BaseException | None = None

    def write(self, stem: str, labels: Labels) -> None:
        """Hands `labels` (H, W) over to be written as `STEM.png`; the array is copied."""
        self._raise_failure()
        self._places.acquire()
        try:
            job = self._pool.submit(save_palette_png, self._folder / f"{stem}.png", labels.copy())
        except BaseException:
            self._places.release()
            raise
        job.add_done_callback(self._done)

    def flush(self) -> None:
        """Waits for the files so far; raises if one of them could not be written."""
        for _ in range(self._depth):
            self._places.acquire()
        for _ in range(self._depth):
            self._places.release()
        self._raise_failure()

    def close(self) -> None:
        """Waits for all files; raises if one of them could not be written."""
        self._pool.shutdown(wait=True)
        self._raise_failure()

    def _done(self, job: Future[None]) -> None:
        self._failure = self._failure or job.exception()
        self._places.release()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            # The exception on its way out matters more than a file that could not be written.
            self._pool.shutdown(wait=True)


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
            note(VOID_IS_BACKGROUND)
        yield LabelledFrame(labels, file.stem)


def _is_of_masks(path: Path) -> bool:
    if path.is_dir():
        return bool(list_images(path))
    return path.suffix.lower() in {*IMAGE_SUFFIXES, ".npy"}


FORMATS = (
    Format(
        "palette",
        "folder of palette PNGs",
        PaletteFolderWriter,
        pattern="*.png",
        is_exact=True,
        reader=Reader("folder of masks", _is_of_masks, read_mask_folder, form_of_file="mask"),
    ),
)
