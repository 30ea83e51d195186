"""Masks that exist, in every form that can be read."""

from collections.abc import Iterator
from pathlib import Path

from vosctl.errors import MaskError
from vosctl.masks.formats import FORMATS, place_in, readers
from vosctl.masks.notes import READABLE
from vosctl.masks.spec import Reader
from vosctl.masks.writer import LabelledFrame
from vosctl.media.frame import ClipInfo


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
        self.names: dict[int, str] = {}
        """What the objects read so far are called, by id."""
        self._reader = reader_of(path)
        first = next(iter(self), None)
        if first is None:
            raise MaskError(f"{path} holds no masks; give {READABLE}")
        self.height, self.width = first.labels.shape

    @property
    def form(self) -> str:
        """What was given, such as "COCO JSON"."""
        is_part = bool(self._reader.form_of_file) and self.path.is_file()
        return self._reader.form_of_file if is_part else self._reader.form

    @property
    def info(self) -> ClipInfo:
        """What writers need to know, as of a clip without sound."""
        known = self._reader.clip_info(self.path) if self._reader.clip_info else None
        return ClipInfo(
            self.path,
            self.width,
            self.height,
            frame_count_hint=None,
            rate=known.rate if known else None,
            has_audio=False,
            is_folder=False,
            pixel_aspect=known.pixel_aspect if known else None,
        )

    def __iter__(self) -> Iterator[LabelledFrame]:
        for frame in self._reader.read(self.path, self._note):
            self.names.update(frame.names)
            yield frame

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _label_maps_in(path: Path) -> Path:
    """The label maps in a folder of several formats; any other path as it is."""
    if not path.is_dir():
        return path
    found = (place_in(path, form) for form in FORMATS.values() if form.is_exact)
    return next((place for place in found if place.exists()), path)


def reader_of(path: Path) -> Reader:
    """Who reads the masks at a path.

    Raises:
        MaskError: nobody does.
    """
    if not path.exists():
        raise MaskError(f"{path} does not exist; give {READABLE}")
    try:
        found = next((reader for reader in readers() if reader.finds(path)), None)
    except OSError as error:
        raise MaskError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    if found is None and path.is_file():
        found = FORMATS["label-video"].reader  # videos have many suffixes
    if found is None:
        raise MaskError(f"{path} holds no masks; give {READABLE}")
    return found
