"""What is known of every frame of a run, a line of JSON each: a file that grows, not memory."""

import math
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from vosctl.errors import OutputError
from vosctl.files import json_text, output_error, parse_json

LogPlace = Path | IO[bytes]
"""A file by its path; or one without a name that is open, of which a killed process leaves nothing."""


@dataclass(frozen=True)
class ObjectInFrame:
    """One object in one frame."""

    confidence: float
    """In [0, 1]; see `vosctl.tracking.confidence`."""
    area: int
    """Pixels."""


@dataclass(frozen=True)
class FrameEntry:
    """One frame; objects that have not joined yet are missing."""

    index: int
    name: str
    """The name of the frame's files, without suffix."""
    objects: Mapping[int, ObjectInFrame]
    """The objects in it, by id."""

    def to_json(self) -> dict[str, Any]:
        """The entry as plain data."""
        objects = {
            str(object_id): {"confidence": round(one.confidence, 4), "area": one.area}
            for object_id, one in self.objects.items()
        }
        return {"frame": self.index, "name": self.name, "objects": objects}


class FrameLog:
    """Appends entries to a file; use it in a `with` statement.

    Args:
        place: the file; one that is open stays so.
        keep: how many of its lines stay; what follows, perhaps a line that was cut off, is removed.
    """

    def __init__(self, place: LogPlace, keep: int = 0) -> None:
        self._path = _name_of(place)
        self._is_own = isinstance(place, Path)
        try:
            self._file = place.open("a+b") if isinstance(place, Path) else place
        except OSError as error:
            raise output_error(self._path, error) from error
        try:
            self._keep(keep)
        except BaseException:
            self._close()
            raise

    def _keep(self, count: int) -> None:
        self._file.seek(0)
        for line in range(count):
            if not self._file.readline().endswith(b"\n"):
                raise OutputError(
                    f"{self._path} holds {line} frames, but the masks of {count} are done; "
                    "start over with --overwrite"
                )
        self._file.truncate(self._file.tell())

    def write(self, entry: FrameEntry) -> None:
        """Adds a line.

        Raises:
            OutputError: it cannot be written.
        """
        try:
            self._file.write(json_text(entry.to_json()).encode() + b"\n")
            self._file.flush()  # whoever is killed leaves a log of all that it has written
        except OSError as error:
            raise output_error(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._is_own:
            with suppress(OSError):  # nothing waits to be written
                self._file.close()


def _name_of(place: LogPlace) -> Path:
    return place if isinstance(place, Path) else Path("the temporary log of frames")


def read_frame_log(place: LogPlace) -> Iterator[FrameEntry]:
    """Yields the whole lines of a log.

    Raises:
        OutputError: the file cannot be read, or a line is none of a log.
    """
    path = _name_of(place)
    try:
        with place.open("rb") if isinstance(place, Path) else nullcontext(place) as file:
            file.seek(0)
            for line in file:
                if line.endswith(b"\n"):
                    yield parse_entry(parse_json(line))
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise OutputError(f"{path} is not a log of frames, or it is damaged: {error}") from error


def parse_entry(data: Mapping[str, Any]) -> FrameEntry:
    """An entry from what `to_json` gave."""
    objects = {
        int(object_id): ObjectInFrame(
            math.nan if one["confidence"] is None else float(one["confidence"]), int(one["area"])
        )
        for object_id, one in data["objects"].items()
    }
    return FrameEntry(int(data["frame"]), str(data["name"]), objects)
