"""Results of a run that are there no more: the frames from which on they have to be made again."""

from collections.abc import Mapping
from pathlib import Path

from vosctl.job.frame_log import read_frame_log
from vosctl.masks.object_folders import FILES_OF_OBJECTS
from vosctl.masks.spec import Format


def first_missing(places: Mapping[Path, Format], log: Path) -> int | None:
    """The first frame that a folder lacks a file of; None where all frames of the log have theirs.

    A folder per object must be there for each object that the log saw a pixel of.

    Args:
        places: folders, and the formats that they are in; those of one file are passed over.
        log: of the run's frames.

    Raises:
        OutputError: the log cannot be read.
    """
    if not log.is_file():
        return None
    stems: list[str] = []
    seen: set[int] = set()
    for entry in read_frame_log(log):
        stems.append(entry.name)
        seen |= {object_id for object_id, one in entry.objects.items() if one.area > 0}
    first = len(stems)
    for place, form in places.items():
        if form.is_folder:
            is_by_object = form.pattern == FILES_OF_OBJECTS
            folders = [place / str(object_id) for object_id in seen] if is_by_object else [place]
            pattern = Path(form.pattern).name
            for folder in folders:
                there = {path.stem for path in folder.glob(pattern)}
                first = min([first, *(at for at, stem in enumerate(stems) if stem not in there)])
    return first if first < len(stems) else None
