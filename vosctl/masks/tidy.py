"""Tidies label maps, in the order below whatever that of the options is.

1. `only`, 2. `merge`, 3. `rename`: which objects there are, and their ids;
4. `smooth_time`, 5. `drop_small`, 6. `fill_holes`, 7. `shrink`, 8. `grow`: their pixels;
9. `feather`: how soft their edges are in formats that have soft edges; ids stay as they are.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vosctl.arrays import MAX_ID, Labels
from vosctl.errors import MaskError, UsageError
from vosctl.masks.parts import dilate, erode, feathered, label_parts
from vosctl.masks.writer import LabelledFrame

Value = TypeVar("Value")


@dataclass(frozen=True)
class Tidy:
    """What to do to label maps; by default nothing. It is plain data."""

    only: tuple[int, ...] = ()
    """Ids of the objects that stay; all where there is none."""
    merge: tuple[str, ...] = ()
    """`2,3=2`: the objects 2 and 3 become object 2."""
    rename: tuple[str, ...] = ()
    """`1=7`: the object 1 gets the id 7."""
    smooth_time: int = 0
    """A pixel gets what it is in most of so many frames, half of them before and half after it."""
    drop_small: int = 0
    """Parts of objects of fewer pixels become background."""
    fill_holes: bool = False
    """Background that lies within one object becomes this object."""
    shrink: int = 0
    """Pixels that an object's edge goes inwards."""
    grow: int = 0
    """Pixels that it goes outwards into the background; where two meet, the higher id is kept."""
    feather: int = 0
    """Pixels on either side of the edge over which a matte goes from 0 to 1."""

    def __post_init__(self) -> None:
        """Makes sure that ids are ids.

        Raises:
            UsageError: not so.
        """
        for object_id in self.only:
            _require_id(object_id, f"--only {object_id}")
        self.table()
        if self.smooth_time and (self.smooth_time < 0 or self.smooth_time % 2 == 0):
            raise UsageError(
                f"--smooth-time {self.smooth_time}: expected an odd number of frames, such as 3 or 5"
            )

    def table(self) -> NDArray[np.uint8]:
        """The id (256,) that each id becomes; 0 where the object goes.

        Raises:
            UsageError: an option is none.
        """
        table = np.arange(256, dtype=np.uint8)
        if self.only:
            table[[one for one in range(256) if one not in self.only]] = 0
        for text in self.merge:
            match = re.fullmatch(r"([0-9]+(?:,[0-9]+)*)=([0-9]+)", text)
            if not match:
                raise UsageError(f"--merge {text[:40]}: expected ID,ID=ID such as 2,3=2")
            target = _require_id(int(match[2]), f"--merge {text[:40]}")
            for one in match[1].split(","):
                table[table == _require_id(int(one), f"--merge {text[:40]}")] = target
        change = np.arange(256, dtype=np.uint8)
        for text in self.rename:
            match = re.fullmatch("([0-9]+)=([0-9]+)", text)
            if not match:
                raise UsageError(f"--rename {text[:40]}: expected OLD=NEW such as 1=7")
            old, new = (_require_id(int(one), f"--rename {text[:40]}") for one in match.groups())
            change[old] = new
        return change[table]

    @property
    def text(self) -> str:
        """The options, as a command line has them; "" where there is none."""
        parts = [f"--only {','.join(map(str, self.only))}"] if self.only else []
        parts += [f"--merge {one}" for one in self.merge] + [f"--rename {one}" for one in self.rename]
        for name in ("smooth_time", "drop_small", "shrink", "grow", "feather"):
            if value := getattr(self, name):
                parts.append(f"--{name.replace('_', '-')} {value}")
        return " ".join([*parts, *(["--fill-holes"] if self.fill_holes else [])])

    @classmethod
    def of(cls, data: Mapping[str, object]) -> "Tidy":
        """From plain data, as of a file.

        Raises:
            TypeError: a value is none.
            UsageError: an option is none.
        """
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        return cls(**values)  # type: ignore[arg-type]


NO_TIDYING = Tidy()
"""Label maps stay as they are."""


def parse_ids(text: str | None) -> tuple[int, ...]:
    """The ids of `--only 1,3`.

    Raises:
        UsageError: they are none.
    """
    if text is None:
        return ()
    if not re.fullmatch("[0-9]{1,3}(,[0-9]{1,3})*", text):
        raise UsageError(f"--only {text[:40]}: expected ids such as 1,3")
    return tuple(map(int, text.split(",")))


def _require_id(number: int, option: str) -> int:
    if not 1 <= number <= MAX_ID:
        raise UsageError(f"{option}: {number} is no object id; expected 1 to {MAX_ID}")
    return number


class Tidier:
    """Tidies the frames of one clip, in order; with `smooth_time` they come out later than they go in."""

    def __init__(self, tidy: Tidy) -> None:
        self._tidy = tidy
        self._table = tidy.table()
        self._kept = replace(tidy, rename=()).table()  # the ids before renaming
        self._reach = tidy.smooth_time // 2
        self._frames: deque[LabelledFrame] = deque()  # with the ids that they are to have
        self._next = 0  # place within these of the frame that comes out next

    def push(self, frame: LabelledFrame) -> Iterator[LabelledFrame]:
        """Takes a frame; yields those that are done.

        Raises:
            MaskError: two objects would get one id by renaming.
        """
        self._frames.append(self._with_ids(frame))
        while len(self._frames) - self._next > self._reach:
            yield self._done()

    def rest(self) -> Iterator[LabelledFrame]:
        """Yields the frames that still wait for others."""
        while self._next < len(self._frames):
            yield self._done()

    def all(self, frames: Iterable[LabelledFrame]) -> Iterator[LabelledFrame]:
        """Yields all frames of a clip, tidied."""
        for frame in frames:
            yield from self.push(frame)
        yield from self.rest()

    def _done(self) -> LabelledFrame:
        frame = self._frames[self._next]
        labels = frame.labels
        if self._reach:
            near = list(self._frames)[max(0, self._next - self._reach) : self._next + self._reach + 1]
            labels = _most(labels, [one.labels for one in near])
        labels = _shaped(labels, self._tidy)
        if self._next == self._reach:
            self._frames.popleft()
        else:
            self._next += 1
        if not self._tidy.feather:
            return replace(frame, labels=labels)
        ids = np.flatnonzero(np.bincount(labels.ravel())).tolist()
        mattes = {one: feathered(labels == one, self._tidy.feather) for one in ids if one}
        return replace(frame, labels=labels, mattes=mattes)

    def _with_ids(self, frame: LabelledFrame) -> LabelledFrame:
        table = self._table
        present = np.flatnonzero(np.bincount(frame.labels.ravel()))
        for text in self._tidy.rename:
            old, new = map(int, text.split("="))
            if new in present and table[new] == new and old in present:
                raise MaskError(
                    f"--rename {text}: frame {frame.stem} has an object {new} already; use "
                    f"--merge {old},{new}={new}"
                )
        return replace(
            frame,
            labels=table[frame.labels],
            names=self._by_new_id(frame.names),
            soft=_merged(frame.soft, table),
            confidences=self._by_new_id(frame.confidences) if frame.confidences is not None else None,
        )

    def _by_new_id(self, values: Mapping[int, Value]) -> dict[int, Value]:
        """Values by the ids that their objects get; of merged ones that of the object whose id is kept."""
        found: dict[int, Value] = {}
        for object_id, value in sorted(values.items()):
            new = int(self._table[object_id])
            if new and (new not in found or self._kept[object_id] == object_id):
                found[new] = value
        return found


def _merged(
    soft: Mapping[int, NDArray[np.float32]] | None, table: NDArray[np.uint8]
) -> dict[int, NDArray[np.float32]] | None:
    if soft is None:
        return None
    found: dict[int, NDArray[np.float32]] = {}
    for object_id, values in sorted(soft.items()):
        if new := int(table[object_id]):
            found[new] = (found[new] + values).clip(0, 1) if new in found else values
    return found


def _most(labels: Labels, window: list[Labels]) -> Labels:
    """What each pixel is in most of the frames; where two are as many, what it is now, else the lower id."""
    ids = np.unique(np.concatenate([np.flatnonzero(np.bincount(one.ravel())) for one in window]))
    best = np.zeros(labels.shape, np.int16)
    result = labels.copy()
    for object_id in ids.tolist():
        votes = sum((one == object_id).astype(np.int16) for one in window) * 2 + (labels == object_id)
        is_more = votes > best
        result[is_more] = object_id
        best = np.maximum(best, votes)
    return result


def _shaped(labels: Labels, tidy: Tidy) -> Labels:
    ids = [one for one in np.flatnonzero(np.bincount(labels.ravel())).tolist() if one]
    labels = labels.copy() if ids else labels
    if tidy.drop_small:
        for one in ids:
            parts = label_parts(labels == one, diagonal=True)
            sizes = np.bincount(parts.ravel())
            labels[(sizes < tidy.drop_small)[parts] & (parts > 0)] = 0
    if tidy.fill_holes and ids:
        _fill_holes(labels)
    if tidy.shrink:
        for one in ids:
            mask = labels == one
            labels[mask & ~erode(mask, tidy.shrink)] = 0
    if tidy.grow:
        before = labels.copy()
        for one in ids:
            labels[dilate(before == one, tidy.grow) & (before == 0)] = one
    return labels


def _fill_holes(labels: Labels) -> None:
    parts = label_parts(labels == 0, diagonal=False)
    around: dict[int, set[int]] = {}
    for here, there in (
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[:, :-1], np.s_[:, 1:]),
    ):
        touch = (parts[here] > 0) & (labels[there] > 0)
        pairs = np.unique(parts[here][touch].astype(np.int64) * 256 + labels[there][touch])
        for pair in pairs.tolist():
            around.setdefault(pair // 256, set()).add(pair % 256)
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    fill = np.zeros(int(parts.max()) + 1, np.uint8)
    for part, ids in around.items():
        if len(ids) == 1 and part not in edge:
            fill[part] = ids.pop()
    holes = fill[parts]
    labels[holes > 0] = holes[holes > 0]
