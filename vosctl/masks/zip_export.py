"""Zip files as annotation tools export them: the one document of annotations in them is read."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from vosctl.errors import MaskError
from vosctl.masks.notes import Note
from vosctl.masks.spec import Reader, has_suffix
from vosctl.masks.writer import LabelledFrame

_DOCUMENTS = (".json", ".xml", ".txt")
_PREFERRED = ("instances", "annotations", "gt")  # how the one to read begins, where there are several
_MOST_BYTES = 1 << 29  # of a document
_MOST_FILES = 100_000


def read_zip(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of the document of annotations in a zip file, or of its LabelMe files.

    Raises:
        MaskError: the file is damaged, or it is not clear which document is meant.
    """
    yield from _read(path, note, drawn_only=False)


def read_drawn_in_zip(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields what a person has drawn, as `read_zip` yields all.

    Raises:
        MaskError: as of `read_zip`.
    """
    yield from _read(path, note, drawn_only=True)


def counts_frames(path: Path) -> bool:
    """Whether the document in a zip file counts frames instead of naming them."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(PurePosixPath(name).suffix.lower() == ".xml" for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _read(path: Path, note: Note, drawn_only: bool) -> Iterator[LabelledFrame]:
    from vosctl.masks.sources import reader_of  # which finds this reader by its name

    with TemporaryDirectory(prefix="vosctl-zip-") as folder:
        place = _unpack(path, Path(folder))
        try:
            reader = reader_of(place)
            read = (reader.read_given if drawn_only else None) or reader.read
            yield from read(place, note)
        except MaskError as error:
            raise MaskError(str(error).replace(str(place), f"{path} ({place.name})")) from error


def _unpack(path: Path, folder: Path) -> Path:
    """Writes what is to be read into a folder; returns its file, or the folder of several."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [
                one
                for one in archive.infolist()
                if PurePosixPath(one.filename).suffix.lower() in _DOCUMENTS
                and not one.is_dir()
                and not one.filename.startswith("__MACOSX/")
            ]
            chosen = _choose(entries, path)
            for entry in chosen:
                content = archive.open(entry).read(_MOST_BYTES + 1)
                if len(content) > _MOST_BYTES:
                    raise MaskError(
                        f"{path} holds {entry.filename} of more than {_MOST_BYTES} bytes; unpack it"
                    )
                (folder / PurePosixPath(entry.filename.replace("\\", "/")).name).write_bytes(content)
    except OSError as error:
        raise MaskError(f"{path} cannot be read: {error}; check its permissions") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise MaskError(f"{path} is no zip file that can be read: {error}; export it again") from error
    only = PurePosixPath(chosen[0].filename.replace("\\", "/")).name
    return folder / only if len(chosen) == 1 else folder


def _choose(entries: list[zipfile.ZipInfo], path: Path) -> list[zipfile.ZipInfo]:
    if not entries:
        raise MaskError(f"{path} holds no annotations (.json, .xml); export them as CVAT, COCO or LabelMe")
    if len(entries) == 1:
        return entries
    for beginning in _PREFERRED:
        found = [one for one in entries if PurePosixPath(one.filename).name.lower().startswith(beginning)]
        if len(found) == 1:
            return found
    if all(one.filename.lower().endswith(".json") for one in entries) and len(entries) <= _MOST_FILES:
        return entries  # a file a frame, as LabelMe has them
    names = ", ".join(one.filename for one in entries[:3])
    raise MaskError(f"{path} holds several documents ({names}); unpack it and name the one to read")


READERS = (
    Reader(
        "zip of annotations",
        has_suffix(".zip"),
        read_zip,
        read_given=read_drawn_in_zip,
        is_document=True,
    ),
)
