"""Masks that exist, in every form that can be read."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

from vosctl.errors import MaskError
from vosctl.masks.binary_folder import object_folders, read_binary_folder
from vosctl.masks.coco import read_coco
from vosctl.masks.formats import FORMATS, place_in
from vosctl.masks.label_video import read_labels_of_video
from vosctl.masks.notes import Note
from vosctl.masks.numpy_archive import read_numpy_archive
from vosctl.masks.palette_folder import read_mask_folder
from vosctl.masks.writer import LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.frame_folder import IMAGE_SUFFIXES, list_images
from vosctl.media.video_clip import VideoClip

READABLE = "a folder of masks, a folder with one folder per object, a label video, a COCO .json or an .npz"

_Reader = Callable[[Path, Note], Iterator[LabelledFrame]]


class MaskSource:
    """Label maps of a clip, frame by frame; each iteration starts anew.

    Iterating raises `MaskError` where a mask cannot be read.
    """

    def __init__(self, path: Path) -> None:
        """Finds out what `path`, or the folder of several formats there, is and reads its first mask.

        Raises:
            MaskError: it is none of the readable forms, or holds no mask.
        """
        self.path = path = _label_maps_in(path)
        self.notes: list[str] = []
        """What people should know of the masks read so far."""
        self.form, self._read = _reader_of(path)
        first = next(iter(self), None)
        if first is None:
            raise MaskError(f"{path} holds no masks; give {READABLE}")
        self.height, self.width = first.labels.shape

    @property
    def info(self) -> ClipInfo:
        """As of a clip without sound, for writers."""
        rate: Fraction | None = None
        if self._read is read_labels_of_video:
            rate = VideoClip(self.path).info.rate
        return ClipInfo(self.path, self.width, self.height, None, rate, has_audio=False, is_folder=False)

    def __iter__(self) -> Iterator[LabelledFrame]:
        return self._read(self.path, self._note)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _label_maps_in(path: Path) -> Path:
    """The label maps in a folder of several formats; any other path as it is."""
    if not path.is_dir():
        return path
    found = (place_in(path, form) for form in FORMATS.values() if form.is_exact)
    return next((place for place in found if place.exists()), path)


def _reader_of(path: Path) -> tuple[str, _Reader]:
    if not path.exists():
        raise MaskError(f"{path} does not exist; give {READABLE}")
    if path.is_file():
        suffix = path.suffix.lower()
        if suffix == ".json":
            return "COCO JSON", read_coco
        if suffix == ".npz":
            return "NumPy archive", read_numpy_archive
        if suffix in IMAGE_SUFFIXES or suffix == ".npy":
            return "mask", read_mask_folder
        return "label video", read_labels_of_video
    try:
        if list_images(path):
            return "folder of masks", read_mask_folder
        if object_folders(path):
            return "folder of binary masks per object", read_binary_folder
        names = [p.suffix.lower() for p in path.iterdir()]
    except OSError as error:
        raise MaskError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    if ".txt" in names:
        raise MaskError(
            f"{path} holds .txt files; polygons are not read, as filling them does not give back the "
            f"masks' pixels; give {READABLE}"
        )
    raise MaskError(f"{path} holds no masks; give {READABLE}")
