"""The formats by name."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from vosctl.errors import UsageError
from vosctl.masks.alpha_video import FFV1, PRORES, AlphaVideoWriter
from vosctl.masks.binary_folder import BinaryFolderWriter
from vosctl.masks.coco import CocoWriter
from vosctl.masks.cutout_video import CutoutVideoWriter
from vosctl.masks.label_video import LabelVideoExport
from vosctl.masks.numpy_archive import NumpyArchiveWriter
from vosctl.masks.palette_folder import PaletteFolderWriter
from vosctl.masks.raw_labels import RawLabelsWriter
from vosctl.masks.rgba_folder import RgbaFolderWriter
from vosctl.masks.soft_folder import SoftFolderWriter
from vosctl.masks.writer import ExportWriter
from vosctl.masks.yolo_folder import YoloFolderWriter
from vosctl.media.frame import ClipInfo
from vosctl.media.sink import is_pipe
from vosctl.media.video_writer import VIDEO_SUFFIXES
from vosctl.suggestion import suggestion

_FOR_PIPES = ("raw", "label-video")
_OBJECTS = "[0-9]*/*.png"  # a folder per object


@dataclass(frozen=True)
class Format:
    """A form in which masks leave."""

    name: str
    summary: str
    open: Callable[[Path, ClipInfo], ExportWriter]
    suffixes: tuple[str, ...] = ()
    """Of its one file, the usual one first; none for a folder of files."""
    pattern: str = ""
    """Of a folder's files, each named after its frame."""
    needs_pictures: bool = False
    """Shows the clip, not its masks alone."""
    needs_soft: bool = False
    """Holds probabilities, which only a run has."""
    is_exact: bool = False
    """The label maps can be read back as they were."""

    @property
    def is_folder(self) -> bool:
        """Many files, not one."""
        return not self.suffixes


_LIST = (
    Format("palette", "folder of palette PNGs", PaletteFolderWriter, pattern="*.png", is_exact=True),
    Format(
        "binary",
        "folder per object of black and white PNGs",
        BinaryFolderWriter,
        pattern=_OBJECTS,
        is_exact=True,
    ),
    Format("label-video", "ids in one lossless gray video", LabelVideoExport, (".mkv",), is_exact=True),
    Format("raw", "ids as raw bytes, for pipes", RawLabelsWriter, (".gray", ".raw")),
    Format("coco", "COCO JSON, run-length coded", CocoWriter, (".json",), is_exact=True),
    Format("numpy", "array of label maps", NumpyArchiveWriter, (".npz",), is_exact=True),
    Format("yolo", "polygons as YOLO trains on; holes are filled", YoloFolderWriter, pattern="*.txt"),
    Format(
        "rgba", "folder of cut-out PNGs with alpha", RgbaFolderWriter, pattern="*.png", needs_pictures=True
    ),
    Format(
        "alpha-prores",
        "ProRes 4444 video with alpha",
        partial(AlphaVideoWriter, codec=PRORES),
        (".mov",),
        needs_pictures=True,
    ),
    Format(
        "alpha-ffv1",
        "lossless video with alpha",
        partial(AlphaVideoWriter, codec=FFV1),
        (".mkv",),
        needs_pictures=True,
    ),
    Format("cutout", "video of the objects on green", CutoutVideoWriter, VIDEO_SUFFIXES, needs_pictures=True),
    Format(
        "soft",
        "folder per object of 8-bit probabilities",
        SoftFolderWriter,
        pattern=_OBJECTS,
        needs_soft=True,
    ),
    Format(
        "soft16",
        "the same with 16 bits",
        partial(SoftFolderWriter, bits=16),
        pattern=_OBJECTS,
        needs_soft=True,
    ),
)

FORMATS = {form.name: form for form in _LIST}
"""All formats by name."""


def describe(formats: Iterable[Format]) -> str:
    """The names in one line, for help."""
    names = ", ".join(form.name for form in formats)
    return f"{names}; cutout:RRGGBB for another colour than green. See vosctl help formats."


def find_format(name: str) -> Format:
    """The format of a name; `cutout:RRGGBB` names the colour behind the cut-out.

    Raises:
        UsageError: there is none of this name.
    """
    if name in FORMATS:
        return FORMATS[name]
    colour = re.fullmatch(r"cutout:#?([0-9a-fA-F]{6})", name)
    if colour:
        red, green, blue = bytes.fromhex(colour[1])
        return replace(FORMATS["cutout"], open=partial(CutoutVideoWriter, colour=(red, green, blue)))
    if name.startswith("cutout:"):
        raise UsageError(f"format {name}: expected a colour such as cutout:00ff00")
    raise UsageError(f"format {name} is not known; {suggestion(name, FORMATS)}")


def check_place(form: Format, path: Path) -> None:
    """Make sure that a path suits a format.

    Raises:
        UsageError: the suffix is not the format's, or that of a file where it has a folder.
    """
    if is_pipe(path):
        if form.name not in _FOR_PIPES:
            raise UsageError(
                f"{path} is a pipe, which {form.name} cannot go to; use --format {' or '.join(_FOR_PIPES)}"
            )
        return
    if form.is_folder:
        _check_folder(path, f"{form.name} is")
    elif path.suffix.lower() not in form.suffixes:
        raise UsageError(
            f"{path}: {form.name} is one file; name it with the suffix {' or '.join(form.suffixes)}"
        )


def _check_folder(path: Path, what: str) -> None:
    """A file's name is no folder's, though the system would take it."""
    suffix = path.suffix.lower()
    if path.is_dir() or suffix not in (".png", *(one for form in FORMATS.values() for one in form.suffixes)):
        return
    forms = " or ".join(form.name for form in FORMATS.values() if suffix in form.suffixes)
    other = f", or a format that is one such file: {forms}" if forms else ""
    drawn = "; for the clip with its masks drawn: --overlay FILE" if suffix in VIDEO_SUFFIXES else ""
    raise UsageError(f"{path}: {what} many files; name a folder{other}{drawn}")


def places(formats: Sequence[Format], output: Path) -> dict[Path, Format]:
    """Where each of several formats goes: one alone to `output` itself, more into it under their names.

    Raises:
        UsageError: a format is named twice, or `output` does not suit the one format.
    """
    names = [form.name for form in formats]
    if len(formats) == 1:
        check_place(formats[0], output)
        return {output: formats[0]}
    if is_pipe(output):
        raise UsageError(f"{output} is a pipe, which takes one --format: {' or '.join(_FOR_PIPES)}")
    _check_folder(output, "several formats are")
    twice = [name for name in FORMATS if names.count(name) > 1]
    if twice:
        raise UsageError(f"the format {twice[0]} is given twice; name it once")
    return {place_in(output, form): form for form in formats}


def place_in(folder: Path, form: Format) -> Path:
    """Where a format stands in the folder of several."""
    return folder / f"{form.name}{form.suffixes[0] if form.suffixes else ''}"
