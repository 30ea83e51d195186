"""Where the sequences lie: DAVIS 2016 and 2017, YouTube-VOS 2018 and 2019, or a folder laid out as DAVIS is.

ROOT/JPEGImages/480p/<sequence>/00000.jpg             DAVIS; `folder` takes it without 480p too
ROOT/Annotations/480p/<sequence>/00000.png
ROOT/ImageSets/2017/val.txt                           one name a line; without ImageSets, all folders

ROOT/valid/JPEGImages/<video>/00000.jpg               YouTube-VOS
ROOT/valid/Annotations/<video>/00000.png
ROOT/valid/meta.json                                  the frames of each object, the first is where it starts,
                                                      and perhaps its category
ROOT/train/meta.json                                  whose categories are the seen ones; or ROOT/seen.txt
ROOT/ImageSets/NAME.txt                               a split of one's own: videos of train, one name a line
"""

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from vosctl.errors import DatasetError
from vosctl.media.frame_folder import list_images
from vosctl.suggestion import suggestion

DATA_VARIABLE = "VOSCTL_DATA"


class DatasetName(StrEnum):
    """The data sets that have rules here."""

    DAVIS16 = "davis16"
    DAVIS17 = "davis17"
    YTVOS18 = "ytvos18"
    YTVOS19 = "ytvos19"
    FOLDER = "folder"

    @property
    def is_youtube(self) -> bool:
        """It is a YouTube-VOS, whose objects may start late and whose classes are seen or unseen."""
        return self in (DatasetName.YTVOS18, DatasetName.YTVOS19)


@dataclass(frozen=True)
class Sequence:
    """One sequence on disk; nothing of it has been read yet."""

    name: str
    frames: tuple[Path, ...]
    """The images, in order."""
    annotations: tuple[Path, ...]
    """The label maps there are, in order; each has the stem of its frame."""
    merge_objects: bool
    """DAVIS 2016: all ids are one object."""
    rules: DatasetName
    """The benchmark whose rules say when objects start and which frames count."""
    object_frames: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """(id, stems of the frames it is in) for each object that `meta.json` lists."""
    seen_objects: tuple[tuple[int, bool], ...] = ()
    """(id, whether the training set has its class) for each object of which that is known."""


@dataclass(frozen=True)
class Dataset:
    """The sequences of one split, and where a server wants their masks."""

    name: DatasetName
    split: str
    root: Path
    sequences: tuple[Sequence, ...]

    def mask_folder(self, results: Path, sequence: str) -> Path:
        """Where the masks of a sequence lie in a folder of results; its zip is what the server takes."""
        if self.name.is_youtube:
            return results / "Annotations" / sequence
        return results / sequence


@dataclass(frozen=True)
class _Source:
    folder: str  # under $VOSCTL_DATA
    default_split: str
    home: str
    layout: str


_DAVIS_LAYOUT = "JPEGImages/480p/<sequence>/00000.jpg and Annotations/480p/<sequence>/00000.png"
_YOUTUBE_LAYOUT = (
    "valid/JPEGImages/<video>/00000.jpg, valid/Annotations/<video>/00000.png and valid/meta.json"
)
_SOURCES = {
    DatasetName.DAVIS16: _Source(
        "DAVIS", "val", "https://davischallenge.org/davis2016/code.html", _DAVIS_LAYOUT
    ),
    DatasetName.DAVIS17: _Source(
        "DAVIS", "val", "https://davischallenge.org/davis2017/code.html", _DAVIS_LAYOUT
    ),
    DatasetName.YTVOS18: _Source(
        "YouTubeVOS",
        "valid",
        "https://youtube-vos.org/dataset/vos/",
        _YOUTUBE_LAYOUT,
    ),
    DatasetName.YTVOS19: _Source(
        "YouTubeVOS19", "valid", "https://youtube-vos.org/dataset/vos/", _YOUTUBE_LAYOUT
    ),
}
_FOLDER_LAYOUT = "JPEGImages/<sequence>/00000.jpg and Annotations/<sequence>/00000.png"


def open_dataset(
    name: DatasetName, root: Path | None = None, split: str | None = None, only: tuple[str, ...] = ()
) -> Dataset:
    """Find a data set and list the sequences of a split.

    Args:
        name: which data set's layout and rules hold.
        root: its folder; by default `$VOSCTL_DATA/DAVIS` or `$VOSCTL_DATA/YouTubeVOS`.
        split: by default `val`, or `valid` for YouTube-VOS.
        only: names of sequences, where not the whole split is wanted.

    Raises:
        DatasetError: there is no data set, split or sequence of that name, or the layout is another.
    """
    root = _root_of(name, root)
    if name.is_youtube:
        split = split or _SOURCES[name].default_split
        sequences = _youtube_sequences(name, root, split, only)
    else:
        split = split or "val"
        sequences = _davis_sequences(name, root, split, only)
    return Dataset(name, split, root, sequences)


def _root_of(name: DatasetName, root: Path | None) -> Path:
    source = _SOURCES.get(name)
    asked_for = "--root"
    if root is None:
        data = os.environ.get(DATA_VARIABLE)
        if source is None:
            raise DatasetError(
                f"{name}: no folder given; say where with --root; it must hold {_FOLDER_LAYOUT}"
            )
        if not data:
            raise DatasetError(
                f"{name}: no folder given; say where with --root or set {DATA_VARIABLE} to the folder "
                f"that holds {source.folder}; it must hold {source.layout}; to be had at {source.home}"
            )
        root, asked_for = Path(data) / source.folder, f"${DATA_VARIABLE}"
    if not root.is_dir():
        layout = source.layout if source else _FOLDER_LAYOUT
        home = f"; to be had at {source.home}" if source else ""
        raise DatasetError(f"{root}: no such folder (from {asked_for}); {name} must hold {layout}{home}")
    return root


def _davis_sequences(
    name: DatasetName, root: Path, split: str, only: tuple[str, ...]
) -> tuple[Sequence, ...]:
    images, annotations = root / "JPEGImages" / "480p", root / "Annotations" / "480p"
    if name is DatasetName.FOLDER and not images.is_dir():
        images, annotations = root / "JPEGImages", root / "Annotations"
    layout = _FOLDER_LAYOUT if name is DatasetName.FOLDER else _DAVIS_LAYOUT
    for folder in (images, annotations):
        if not folder.is_dir():
            raise DatasetError(f"{folder}: no such folder; {name} at {root} must hold {layout}")
    year = "2016" if name is DatasetName.DAVIS16 else "2017"
    names = _chosen(_davis_split(root, year, split) or _folders(images), only, root)
    return tuple(
        Sequence(
            name=sequence,
            frames=_images(images / sequence),
            annotations=_label_maps(annotations / sequence),
            merge_objects=name is DatasetName.DAVIS16,
            rules=name,
        )
        for sequence in names
    )


def _davis_split(root: Path, year: str, split: str) -> tuple[str, ...]:
    """The names in a split's list, in its order; none where the data set comes without lists.

    DAVIS 2016's own download lists image and annotation paths under `480p` instead, a frame a line.
    """
    sets = root / "ImageSets"
    if not sets.is_dir():
        return ()
    for folder in (sets / year, sets / "480p", sets):
        path = folder / f"{split}.txt"
        if path.is_file():
            lines = [line.split()[0] for line in path.read_text().splitlines() if line.strip()]
            return tuple(dict.fromkeys(Path(line).parent.name if "/" in line else line for line in lines))
    known = sorted({path.stem for path in sets.rglob("*.txt")})
    raise DatasetError(f"{sets / year / split}.txt: no such split; there are {', '.join(known) or 'none'}")


def _youtube_sequences(
    name: DatasetName, root: Path, split: str, only: tuple[str, ...]
) -> tuple[Sequence, ...]:
    listed = root / "ImageSets" / f"{split}.txt"
    held_out = tuple(listed.read_text().split()) if listed.is_file() else ()
    base = root / ("train" if held_out else split)
    images, annotations, meta = base / "JPEGImages", base / "Annotations", base / "meta.json"
    for folder in (images, annotations):
        if not folder.is_dir():
            raise DatasetError(f"{folder}: no such folder; {name} at {root} must hold {_YOUTUBE_LAYOUT}")
    objects = _youtube_objects(meta) if meta.is_file() else {}
    classes = _youtube_classes(meta) if meta.is_file() else {}
    seen = _seen_classes(root)
    names = _chosen(held_out or tuple(sorted(objects)) or _folders(images), only, root)
    return tuple(
        Sequence(
            name=video,
            frames=_images(images / video),
            annotations=_label_maps(annotations / video),
            merge_objects=False,
            rules=name,
            object_frames=objects.get(video, ()),
            seen_objects=tuple(
                (object_id, category in seen) for object_id, category in classes.get(video, ()) if seen
            ),
        )
        for video in names
    )


def _youtube_objects(meta: Path) -> dict[str, tuple[tuple[int, tuple[str, ...]], ...]]:
    """The (id, frames) of each video's objects in `meta.json`."""
    try:
        videos = json.loads(meta.read_text())["videos"]
        return {
            video: tuple(
                sorted(
                    (int(key), tuple(sorted(entry["frames"]))) for key, entry in content["objects"].items()
                )
            )
            for video, content in videos.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{meta}: {error!r}; expected videos, in them objects, and in those frames, as YouTube-VOS has it"
        ) from error


def _youtube_classes(meta: Path) -> dict[str, tuple[tuple[int, str], ...]]:
    """The (id, category) of each video's objects that have one in `meta.json`."""
    videos = json.loads(meta.read_text())["videos"]
    return {
        video: tuple(
            (int(key), str(entry["category"]))
            for key, entry in sorted(content["objects"].items())
            if entry.get("category")
        )
        for video, content in videos.items()
    }


def _seen_classes(root: Path) -> frozenset[str]:
    """The classes of the training set; none where neither it nor a list of them is there."""
    listed, meta = root / "seen.txt", root / "train" / "meta.json"
    if listed.is_file():
        return frozenset(line.strip() for line in listed.read_text().splitlines() if line.strip())
    if not meta.is_file():
        return frozenset()
    return frozenset(category for objects in _youtube_classes(meta).values() for _, category in objects)


def _chosen(names: tuple[str, ...], only: tuple[str, ...], root: Path) -> tuple[str, ...]:
    if not names:
        raise DatasetError(f"{root}: no sequence found")
    for name in only:
        if name not in names:
            raise DatasetError(f"{root}: no sequence {name} in this split; {suggestion(name, names)}")
    return only or names


def _folders(base: Path) -> tuple[str, ...]:
    return tuple(
        sorted(path.name for path in base.iterdir() if path.is_dir() and not path.name.startswith("."))
    )


def _images(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder, though its sequence is part of the split")
    images = tuple(list_images(folder))
    if not images:
        raise DatasetError(f"{folder}: no image in it; expected frames such as 00000.jpg or .png")
    return images


def _label_maps(folder: Path) -> tuple[Path, ...]:
    maps = tuple(path for path in _images(folder) if path.suffix.lower() == ".png")
    if not maps:
        raise DatasetError(f"{folder}: no annotation in it; expected PNGs such as 00000.png")
    return maps
