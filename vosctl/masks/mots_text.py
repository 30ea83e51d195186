"""Format `mots`: the text of the MOTS challenge, a line for each object of each frame.

https://www.vision.rwth-aachen.de/page/mots: `frame id class height width code`, where `id` is 1000 times the
class plus the instance, and `code` is COCO's run-length code.
"""

from collections.abc import Iterator
from pathlib import Path

from vosctl.errors import MaskError
from vosctl.files import atomic_path
from vosctl.masks.coco_categories import categories_of
from vosctl.masks.instances import InstanceIds
from vosctl.masks.notes import Note
from vosctl.masks.overlaps import compose
from vosctl.masks.rle import counts_by_object, counts_to_text
from vosctl.masks.shapes import mask_of_code
from vosctl.masks.spec import Format, Reader
from vosctl.masks.writer import ExportWriter, LabelledFrame, default_name
from vosctl.media.frame import ClipInfo
from vosctl.media.limits import check_size

_PER_CLASS = 1000  # instances
_KNOWN = {"car": 1, "pedestrian": 2, "person": 2}  # what the challenge numbers itself
_FIRST_OTHER = 3
_IGNORED = 10  # class of regions that are not to be judged
_MOST_FRAMES = 1 << 24


class MotsWriter(ExportWriter):
    """Writes one text; frames are counted from 0 in the whole clip, and frames without objects have no line.

    `car` is class 1 and `pedestrian` or `person` is class 2, as in the challenge; objects without a name
    are of class 2, other names get numbers from 3 on, without 10.
    """

    def __init__(self, path: Path, source: ClipInfo) -> None:
        super().__init__()
        self._path, self._number = path, source.numbering.number
        self._count = 0
        self._rows: list[tuple[int, int, str]] = []  # frame, object, rest of the line
        self._names: dict[int, str] = {}

    def _add(self, frame: LabelledFrame) -> None:
        height, width = frame.labels.shape
        self._names.update(frame.names)
        for object_id, counts in counts_by_object(frame.labels).items():
            self._rows.append(
                (self._number(self._count), object_id, f"{height} {width} {counts_to_text(counts)}")
            )
        self._count += 1

    def _close(self, error: BaseException | None, keep: bool) -> None:
        if not keep:
            return
        classes = self._classes()
        lines = [
            f"{frame} {classes[one] * _PER_CLASS + one} {classes[one]} {rest}\n"
            for frame, one, rest in self._rows
        ]
        with atomic_path(self._path) as temporary:
            temporary.write_text("".join(lines), encoding="utf-8")

    def _classes(self) -> dict[int, int]:
        """The number of each object's class."""
        free = (n for n in range(_FIRST_OTHER, _PER_CLASS) if n != _IGNORED)
        classes = {}
        for category in categories_of({one for _, one, _ in self._rows}, self._names):
            is_named = category.name != default_name(category.id)
            number = _KNOWN.get(category.name.lower()) if is_named else _KNOWN["pedestrian"]
            number = next(free) if number is None else number
            classes.update(dict.fromkeys(category.objects, number))
        return classes


def read_mots(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of all frames up to the last that has an object; ids are the instances' numbers.

    Raises:
        MaskError: a line is none of the format's.
    """
    rows: dict[int, list[tuple[int, int, str]]] = {}
    size: tuple[int, int] | None = None
    for number, line in enumerate(_lines(path), 1):
        where = f"{path} line {number}"
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 6 or not all(part.isascii() and part.isdecimal() for part in parts[:5]):
            raise MaskError(f"{where} is not 'frame id class height width code'; expected MOTS text")
        frame, object_id, kind, height, width = (int(part[:12]) for part in parts[:5])
        if frame >= _MOST_FRAMES:
            raise MaskError(f"{where} is of frame {frame}; a clip has {_MOST_FRAMES} frames at most")
        if size and size != (height, width):
            raise MaskError(f"{where} is {width}x{height}, but the lines before are {size[1]}x{size[0]}")
        check_size(where, width, height)
        size = (height, width)
        if kind == _IGNORED:
            note("regions that are not to be judged (class 10) were read as background")
        else:
            rows.setdefault(frame, []).append((object_id, number, parts[5]))
    if size is None:
        return
    height, width = size
    ids = InstanceIds(path)
    every = sorted({one for listed in rows.values() for one, _, _ in listed})
    ids.of_frame([(str(one // _PER_CLASS), one % _PER_CLASS) for one in every])
    for frame in range(max(rows, default=-1) + 1):
        listed = rows.get(frame, [])
        numbers = ids.of_frame([(str(one // _PER_CLASS), one % _PER_CLASS) for one, _, _ in listed])
        masks = (  # one at a time: each may be as large as the frame
            (
                object_id,
                mask_of_code({"size": [height, width], "counts": code}, f"{path} line {line}", height, width),
            )
            for object_id, (_, line, code) in zip(numbers, listed, strict=True)
        )
        yield LabelledFrame(compose(height, width, masks, note), f"{frame:05d}")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise MaskError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    except ValueError as error:
        raise MaskError(f"{path} is no text: {error}; expected MOTS text") from error


def _is_mots(path: Path) -> bool:
    if path.suffix.lower() != ".txt" or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        parts = file.readline(1 << 16).split()
    return len(parts) == 6 and all(part.isdecimal() for part in parts[:5])


FORMATS = (
    Format(
        "mots",
        "MOTS text, a line for each object of each frame",
        MotsWriter,
        (".txt",),
        reader=Reader("MOTS text", _is_mots, read_mots, counts_frames=True, is_document=True),
    ),
)
