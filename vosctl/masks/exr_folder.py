"""Format `exr`: a folder of OpenEXR files of half floats, a layer for each object, for compositing."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vosctl.arrays import MAX_ID, object_ids_in
from vosctl.errors import MaskError
from vosctl.files import atomic_path, make_folder
from vosctl.masks.exr_file import read_exr, write_exr
from vosctl.masks.instances import InstanceIds
from vosctl.masks.notes import Note
from vosctl.masks.overlaps import compose
from vosctl.masks.spec import Format, Reader
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.frame import ClipInfo
from vosctl.media.frame_folder import natural_key

_ID = "id.Y"  # the channel of ids
_ID_CHANNELS = ("id", "id.y", "id.r", "ids", "objectid")  # as others call it


class ExrFolderWriter(ExportWriter):
    """Writes `STEM.exr`: `A`, how opaque all objects are; `LAYER.A`, the same of each; and `id.Y`, the ids.

    A layer is called as its object, in letters that compositing programs take, or `object_N`. Objects that
    are not in a frame are black in it once they have been seen, or are known to the tracker.
    """

    def __init__(self, path: Path, _: ClipInfo) -> None:
        super().__init__()
        make_folder(path)
        self._folder = path
        self._layers: dict[int, str] = {}

    def _add(self, frame: LabelledFrame) -> None:
        for object_id in sorted({*object_ids_in(frame.labels), *(frame.confidences or ())}):
            if object_id not in self._layers:
                self._layers[object_id] = self._layer(object_id, frame)
        channels = {"A": (frame.opacity() / np.float32(255)).astype(np.float32)}
        channels[_ID] = frame.labels.astype(np.float32)
        for object_id, layer in self._layers.items():
            channels[f"{layer}.A"] = frame.matte(object_id)
        ids_of = " ".join(f"{layer}={object_id}" for object_id, layer in self._layers.items())
        with atomic_path(self._folder / f"{frame.stem}.exr") as temporary:
            write_exr(temporary, channels, {"vosctlObjects": ids_of} if ids_of else None)

    def _layer(self, object_id: int, frame: LabelledFrame) -> str:
        name = re.sub(r"[^A-Za-z0-9_]+", "_", frame.names.get(object_id, "")).strip("_")[:60]
        if not name or name[0].isdigit() or name == "id" or name in self._layers.values():
            return f"{name}_{object_id}" if name and not name[0].isdigit() else f"object_{object_id}"
        return name

    def _close(self, error: BaseException | None, keep: bool) -> None:
        """Each file is whole already."""


def read_exrs(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the label maps of EXR files: of a channel of ids, else of mattes, from one half on.

    Ids are in a channel `id.Y`, or `id` of any suffix. Mattes are the channels `LAYER.A`, else the only
    channel, else `A` where there is no picture beside it; layers are numbered by name.

    Raises:
        MaskError: a file is damaged, or holds neither.
    """
    files = [path] if path.is_file() else sorted(_files(path), key=lambda p: natural_key(p.stem))
    ids = InstanceIds(path)
    for file in files:
        channels = read_exr(file)
        known = next((one for one in channels if one.lower() in _ID_CHANNELS), None)
        if known:
            values = np.nan_to_num(channels[known], nan=-1, posinf=-1, neginf=-1)
            if values.min() < 0 or values.max() > MAX_ID or (values != np.rint(values)).any():
                raise MaskError(f"{file} has a channel {known} that holds no ids; expected 0 to {MAX_ID}")
            yield LabelledFrame(values.astype(np.uint8), file.stem)
            continue
        layers = _mattes(list(channels))
        if not layers:
            raise MaskError(f"{file} has the channels {', '.join(channels)[:60]}; give a matte, or LAYER.A")
        note("EXR: mattes were read from one half on")
        numbers = ids.of_frame([(one.rpartition(".")[0], one) for one in layers])
        height, width = channels[layers[0]].shape
        masks = ((n, channels[one] >= 0.5) for n, one in zip(numbers, layers, strict=True))
        yield LabelledFrame(compose(height, width, masks, note), file.stem, names=dict(ids.names))


def _mattes(channels: list[str]) -> list[str]:
    """The channels that are mattes: of layers, else the only one, else alpha where there is no picture."""
    layers = sorted(one for one in channels if one.endswith((".A", ".alpha")))
    if layers or len(channels) == 1:
        return layers or channels
    return ["A"] if "A" in channels and not {"R", "G", "B"} & set(channels) else []


def _files(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if p.suffix.lower() == ".exr" and not p.name.startswith(".")]


def _is_exr(path: Path) -> bool:
    return bool(_files(path)) if path.is_dir() else path.suffix.lower() == ".exr"


FORMATS = (
    Format(
        "exr",
        "EXR files, half float, a layer an object",
        ExrFolderWriter,
        pattern="*.exr",
        is_exact=True,
        reader=Reader("EXR mattes", _is_exr, read_exrs),
    ),
)
