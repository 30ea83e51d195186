"""The confidences of a whole run, object by object."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vosctl.job.frame_log import FrameEntry, read_frame_log
from vosctl.job.resume.folder import RunFolder
from vosctl.job.review import Review


class Timeline:
    """What a log of frames tells.

    Attributes:
        confidences: by object id, one value a frame, None where the object has not joined yet.
        review: where to look.
    """

    def __init__(self, entries: Iterable[FrameEntry]) -> None:
        self.confidences: dict[int, list[float | None]] = {}
        self.review = Review()
        for count, entry in enumerate(entries):
            self.review.add(entry)
            for object_id in entry.objects:
                self.confidences.setdefault(object_id, [None] * count)
            for object_id, values in self.confidences.items():
                one = entry.objects.get(object_id)
                values.append(one.confidence if one else None)

    def to_json(self) -> dict[str, Any]:
        """The spans, as plain data."""
        return {
            name: [vars(span) for span in spans]
            for name, spans in (("lost", self.review.lost), ("review", self.review.review))
        }


def timeline_of(output: Path) -> Timeline | None:
    """The timeline of the run that wrote an output, or one of its formats; None where none has left its log.

    Raises:
        OutputError: the log is damaged.
    """
    found = RunFolder.find(output) or RunFolder.find(output.parent)
    return Timeline(read_frame_log(found.log)) if found and found.log.is_file() else None
