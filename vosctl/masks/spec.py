"""What a format of masks is: its names, who writes it and who reads it back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vosctl.masks.notes import Note
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo


@dataclass(frozen=True)
class Reader:
    """How the masks of a format are read."""

    form: str
    """What people are told that they gave, such as "folder of masks"."""
    finds: Callable[[Path], bool]
    """Whether a path that exists is in this format, by its name or by what the folder holds."""
    read: Callable[[Path, Note], Iterator[LabelledFrame]]
    """Yields the label maps; raises `MaskError` where one cannot be read."""
    clip_info: Callable[[Path], ClipInfo] | None = None
    """What a format that is a video itself knows of its frame rate and its pixels' shape."""
    form_of_file: str = ""
    """What people are told of one file of a format that is a folder."""
    read_given: Callable[[Path, Note], Iterator[LabelledFrame]] | None = None
    """Yields what a person has drawn, where the file also holds what a program has put in between."""
    counts_frames: bool = False
    """Its frames are known by their number, counted from 0, whatever the clip's images are called."""
    is_document: bool = False
    """It names its frames and may hold only some of a clip's: each of its masks is of the frame it names."""


@dataclass(frozen=True)
class Format:
    """A form in which masks leave, and in which some come back."""

    name: str
    summary: str
    open: Callable[[Path, ClipInfo], ExportWriter]
    """Makes the writer: for a file or folder, and the clip that the masks are of."""
    suffixes: tuple[str, ...] = ()
    """The suffixes of its one file, the usual one first; a folder of files has none."""
    pattern: str = ""
    """Matches a folder's files, each of which is named after its frame."""
    needs_pictures: bool = False
    """It shows the clip, not its masks alone."""
    needs_soft: bool = False
    """It holds probabilities, which only a run has."""
    is_exact: bool = False
    """The label maps can be read back as they were."""
    suits_pipes: bool = False
    """It is written from the first byte to the last without going back."""
    reader: Reader | None = None
    """Who reads it; None where nobody does."""
    variant: Callable[[str], "Format"] | None = None
    """The format that `NAME:VALUE` names, given the value; raises `UsageError` for a value that is none."""

    @property
    def is_folder(self) -> bool:
        """Whether it is many files, not one."""
        return not self.suffixes


def has_suffix(*suffixes: str) -> Callable[[Path], bool]:
    """A test whether a path is a file with one of these suffixes, in capitals or not."""
    return lambda path: path.is_file() and path.suffix.lower() in suffixes
