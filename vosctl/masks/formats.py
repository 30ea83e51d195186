"""The formats by name, and the places that they are written to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from vosctl.errors import UsageError
from vosctl.masks.spec import Format, Reader
from vosctl.media.sink import is_pipe
from vosctl.suggestion import suggestion

# Each file has `FORMATS`, the specs of its formats. It is imported when one of them is first asked for: those
# of videos import av, which is slow.
_FILES = {
    "palette": "palette_folder",
    "binary": "binary_folder",
    "label-video": "label_video",
    "raw": "raw_labels",
    "coco": "coco",
    "numpy": "numpy_archive",
    "youtube-vis": "youtube_vis",
    "cvat": "cvat_video",
    "labelme": "labelme",
    "label-studio": "label_studio",
    "datumaro": "datumaro",
    "mots": "mots_text",
    "csv": "table",
    "exr": "exr_folder",
    "yolo": "yolo_folder",
    "rgba": "rgba_folder",
    "alpha-prores": "alpha_video",
    "alpha-ffv1": "alpha_video",
    "cutout": "cutout_video",
    "matte": "matte_export",
    "soft": "soft_folder",
    "soft16": "soft_folder",
}
# What is read and not written: each file has `READERS`.
_READ_ONLY = ("sam_masks", "zip_export", "array_files")
# A folder of images may hold files of the first, one of texts is another format, and EXRs are images too.
_BEFORE_OTHERS = ("labelme", "mots", "exr")
_SOFT = frozenset({"soft", "soft16"})  # which `convert` cannot make; known without importing them


class FormatTable(Mapping[str, Format]):
    """Specs of formats by name, in a fixed order; each is imported when it is first asked for."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """Takes the module within this package that has each name's spec."""
        self._files = files
        self._known: dict[str, Format] = {}

    def register(self, form: Format) -> None:
        """Adds a format from elsewhere, or puts it in the place of one of the same name."""
        self._known[form.name] = form

    def __getitem__(self, name: str) -> Format:
        if name not in self._known:
            specs = import_module(f"vosctl.masks.{self._files[name]}").FORMATS
            self._known.update({form.name: form for form in specs})
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._files, *self._known)))

    def __len__(self) -> int:
        return len(self._files.keys() | self._known.keys())


FORMATS = FormatTable(_FILES)
"""All formats by name."""


def readers() -> Iterator[Reader]:
    """Who reads masks, in the order in which they are asked whether a path is theirs."""
    for name in _READ_ONLY:
        yield from import_module(f"vosctl.masks.{name}").READERS
    for name in dict.fromkeys((*_BEFORE_OTHERS, *FORMATS)):
        if reader := FORMATS[name].reader:
            yield reader


def describe(names: Iterable[str]) -> str:
    """The names in one line, for help."""
    return f"{', '.join(names)}; cutout:RRGGBB for another colour than green. See vosctl help formats."


def names_without_probabilities() -> list[str]:
    """The formats that can be made of masks alone, without the run that made them."""
    return [name for name in FORMATS if name not in _SOFT]


def find_format(name: str) -> Format:
    """The format of a name, such as `coco`, or of a name with a value, such as `cutout:0000ff`.

    Raises:
        UsageError: there is none of this name, or it does not take the value.
    """
    if name in FORMATS:
        return FORMATS[name]
    base, colon, value = name.partition(":")
    variant = FORMATS[base].variant if colon and base in FORMATS else None
    if variant:
        return variant(value)
    raise UsageError(f"format {name} is not known; {suggestion(name, FORMATS)}")


def check_place(form: Format, path: Path) -> None:
    """Make sure that a path suits a format.

    Raises:
        UsageError: the suffix is not the format's, or that of a file where it has a folder.
    """
    if is_pipe(path):
        if not form.suits_pipes:
            raise UsageError(f"{path} is a pipe, which {form.name} cannot go to; use --format {_for_pipes()}")
        return
    if form.is_folder:
        _check_folder(path, f"{form.name} is")
    elif path.suffix.lower() not in form.suffixes:
        raise UsageError(
            f"{path}: {form.name} is one file; name it with the suffix {' or '.join(form.suffixes)}"
        )


def _for_pipes() -> str:
    # `raw` needs less to be read than `label-video` and is named first.
    return " or ".join(sorted((f.name for f in FORMATS.values() if f.suits_pipes), reverse=True))


def _check_folder(path: Path, what: str) -> None:
    """Refuses a file's name, though the system would take it for a folder."""
    suffix = path.suffix.lower()
    if not suffix or path.exists():  # which is told when the place is claimed
        return
    if suffix not in (".png", *(one for form in FORMATS.values() for one in form.suffixes)):
        return
    forms = " or ".join(form.name for form in FORMATS.values() if suffix in form.suffixes)
    other = f", or a format that is one such file: {forms}" if forms else ""
    drawn = (
        "; for the clip with its masks drawn: --overlay FILE" if suffix in FORMATS["cutout"].suffixes else ""
    )
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
        raise UsageError(f"{output} is a pipe, which takes one --format: {_for_pipes()}")
    _check_folder(output, "several formats are")
    twice = [name for name in FORMATS if names.count(name) > 1]
    if twice:
        raise UsageError(f"the format {twice[0]} is given twice; name it once")
    return {place_in(output, form): form for form in formats}


def place_in(folder: Path, form: Format) -> Path:
    """Where a format stands in the folder of several."""
    return folder / f"{form.name}{form.suffixes[0] if form.suffixes else ''}"
