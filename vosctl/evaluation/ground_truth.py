"""What a sequence's annotations say: its objects, where each starts, which frames count, what a value means.

The rules, for annotations:

- DAVIS: the objects are the ids of the first annotation, which is the first frame's. Ids that turn up later
  are background, as in the DAVIS tool. Ids need not be contiguous.
- YouTube-VOS and a folder of one's own have late starts: an object starts in the first frame whose annotation
  has it, and in YouTube-VOS only in one that `meta.json` lists for it.
- 255 is void and counts as background. But where the first annotation that is not empty holds nothing else
  than 0 and 255 (DAVIS 2016), the sequence has one object, 1, and every value but 0 is it. YouTube-VOS has no
  such annotations.
- DAVIS 2016 merges all ids to 1.
- Frames that count: for DAVIS all annotated ones but the first and the last; for a folder the same, and for
  each object only those after its start; for YouTube-VOS all after the object's start, if all of them are
  annotated (which they are not in its `valid`: its server scores that).

And for predictions:

- The size is the annotation's. A frame that counts has a file; others are not looked at.
- Ids are the annotation's ids or 0. A file of 0 and 255 is taken as the object where the sequence has just
  one; under DAVIS 2016's merge every value but 0 is the object. Any other id is an error, not background.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vosctl.arrays import Labels, ids_in, object_ids_in
from vosctl.errors import DatasetError, MaskError
from vosctl.evaluation.datasets import DatasetName, Sequence
from vosctl.evaluation.label_maps import read_label_map

VOID = 255


@dataclass(frozen=True)
class GroundTruth:
    """The annotations of one sequence, understood."""

    sequence: Sequence
    binary: bool
    """The annotations hold 0 and 255 alone, and 255 is the object."""
    starts: Mapping[int, int]
    """The index of the frame in which each object starts, by rising id."""
    scored: Mapping[int, tuple[str, ...]]
    """The stems of the frames that count, by object; without any, the sequence has no local score."""

    @property
    def object_ids(self) -> tuple[int, ...]:
        """The objects' ids, rising."""
        return tuple(self.starts)

    @property
    def scored_stems(self) -> tuple[str, ...]:
        """The frames that count for some object, in order."""
        counted = {stem for stems in self.scored.values() for stem in stems}
        return tuple(path.stem for path in self.sequence.annotations if path.stem in counted)

    def labels(self, annotation: Path) -> Labels:
        """An annotation as (H, W) object ids, 0 where there is none."""
        return _understood(read_label_map(annotation), self.binary, self.sequence.merge_objects)

    def first_masks(self) -> dict[int, Labels]:
        """What a tracker is given: the objects (H, W) that start in a frame, by that frame's index."""
        by_stem = {path.stem: path for path in self.sequence.annotations}
        masks = {}
        for index in sorted(set(self.starts.values())):
            labels = self.labels(by_stem[self.sequence.frames[index].stem])
            starting = [object_id for object_id, start in self.starts.items() if start == index]
            masks[index] = np.where(np.isin(labels, starting), labels, np.uint8(0))
        return masks

    def prediction(self, path: Path, size: tuple[int, int]) -> Labels:
        """A predicted mask as (H, W) object ids.

        Args:
            path: the predicted label map.
            size: (H, W) of the annotation.

        Raises:
            MaskError: the file is missing, unreadable, of another size or has ids unknown to the annotation.
        """
        values = read_label_map(path)
        if values.shape != size:
            raise MaskError(
                f"{path}: {values.shape[1]}x{values.shape[0]}, expected {size[1]}x{size[0]} as the "
                "annotation; resize it by nearest neighbour"
            )
        if self.sequence.merge_objects:
            return (values > 0).astype(np.uint8)
        found = set(ids_in(values)) - {0}
        if found == {VOID} and len(self.starts) == 1:
            return np.where(values > 0, np.uint8(self.object_ids[0]), np.uint8(0))
        if not found.issubset(self.starts):
            raise MaskError(
                f"{path}: object ids {_listed(found)}, but the annotation of {self.sequence.name} has "
                f"{_listed(self.starts)}; renumber the masks or score another data set"
            )
        return values


def read_ground_truth(sequence: Sequence) -> GroundTruth:
    """Read as much of a sequence's annotations as it takes to know its objects.

    Raises:
        DatasetError: the first annotation of a DAVIS sequence is not of the first frame, or there is no
            object.
        MaskError: an annotation cannot be read.
    """
    if sequence.rules.is_youtube:
        return _youtube_truth(sequence)
    if sequence.rules is DatasetName.FOLDER:
        return _folder_truth(sequence)
    return _davis_truth(sequence)


def _davis_truth(sequence: Sequence) -> GroundTruth:
    first = sequence.annotations[0]
    if first.stem != sequence.frames[0].stem:
        raise DatasetError(
            f"{first}: expected {sequence.frames[0].stem}.png, the annotation of the first frame"
        )
    values = read_label_map(first)
    binary = _is_binary(values)
    ids = _objects_in(_understood(values, binary, sequence.merge_objects))
    if not ids:
        raise DatasetError(f"{first}: no object in it; expected ids from 1 to 254, or 255 alone")
    stems = tuple(path.stem for path in sequence.annotations)[1:-1]
    return GroundTruth(sequence, binary, dict.fromkeys(ids, 0), dict.fromkeys(ids, stems) if stems else {})


def _folder_truth(sequence: Sequence) -> GroundTruth:
    """Each object starts where it is first seen, for which all annotations are read."""
    annotations = _annotations_of_frames(sequence)
    binary: bool | None = None
    starts: dict[int, int] = {}
    for index, path in annotations.items():
        values = read_label_map(path)
        if binary is None and values.any():
            binary = _is_binary(values)
        for object_id in _objects_in(_understood(values, bool(binary), merge_objects=False)):
            starts.setdefault(object_id, index)
    if not starts:
        raise DatasetError(
            f"{sequence.annotations[0].parent}: no object in any annotation; expected ids from 1 to 254, or "
            "255 alone"
        )
    starts = dict(sorted(starts.items()))
    counting = list(annotations)[1:-1]
    scored = {
        object_id: stems
        for object_id, start in starts.items()
        if (stems := tuple(sequence.frames[index].stem for index in counting if index > start))
    }
    return GroundTruth(sequence, bool(binary), starts, scored)


def _youtube_truth(sequence: Sequence) -> GroundTruth:
    stems = [path.stem for path in sequence.frames]
    annotations = _annotations_of_frames(sequence)
    candidates = dict(sequence.object_frames)
    starts = _youtube_starts(annotations, stems, candidates)
    lost = sorted(set(candidates) - set(starts))
    if lost or not starts:
        what = f"objects {_listed(lost)} of meta.json have" if lost else "no object has"
        raise DatasetError(
            f"{sequence.annotations[0].parent}: {what} no mask in any frame they are listed for"
        )
    complete = all(index in annotations for index in range(min(starts.values()), len(stems)))
    scored = {object_id: tuple(stems[start + 1 :]) for object_id, start in starts.items() if complete}
    return GroundTruth(
        sequence, False, starts, {object_id: counted for object_id, counted in scored.items() if counted}
    )


def _youtube_starts(
    annotations: Mapping[int, Path], stems: list[str], candidates: Mapping[int, tuple[str, ...]]
) -> dict[int, int]:
    """Where each object starts, by rising id; `candidates` are the frames that `meta.json` lists, if any."""
    starts: dict[int, int] = {}
    for index, path in annotations.items():
        if candidates and len(starts) == len(candidates):
            break  # every object that is listed has started
        for object_id in _objects_in(_understood(read_label_map(path), binary=False, merge_objects=False)):
            if not candidates or stems[index] in candidates.get(object_id, ()):
                starts.setdefault(object_id, index)
    return dict(sorted(starts.items()))


def _annotations_of_frames(sequence: Sequence) -> dict[int, Path]:
    """The annotation of each frame that has one, by the frame's index, in order."""
    by_stem = {path.stem: path for path in sequence.annotations}
    return {
        index: by_stem[frame.stem] for index, frame in enumerate(sequence.frames) if frame.stem in by_stem
    }


def _is_binary(values: Labels) -> bool:
    ids = ids_in(values)
    return VOID in ids and set(ids) <= {0, VOID}


def _understood(values: Labels, binary: bool, merge_objects: bool) -> Labels:
    labels = values.copy()
    if not binary:
        labels[labels == VOID] = 0
    if binary or merge_objects:
        labels[labels > 0] = 1
    return labels


def _objects_in(labels: Labels) -> tuple[int, ...]:
    return object_ids_in(labels)


def _listed(ids: Mapping[int, int] | set[int] | list[int]) -> str:
    return ", ".join(str(value) for value in sorted(ids))
