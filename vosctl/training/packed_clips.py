"""Packed training clips: `<name>.mp4` with its label maps `<name>_labels.mkv` (FFV1, grey; 255 = void).

Video cannot be read at random places cheaply, and training does nothing else. So the clips are unpacked once,
into a folder in the DAVIS layout under the cache.
"""

import hashlib
import os
import shutil
from pathlib import Path

from PIL import Image
from platformdirs import user_cache_path

from vosctl.errors import DatasetError
from vosctl.files import output_error
from vosctl.masks.label_video import read_label_video
from vosctl.media.video_clip import VideoClip

_LABELS = "_labels.mkv"


def cache_folder() -> Path:
    """Where things are kept that can be made again: $VOSCTL_CACHE, or the user's cache folder."""
    given = os.environ.get("VOSCTL_CACHE")
    return Path(given).expanduser() if given else user_cache_path("vosctl", appauthor=False)


def is_packed(folder: Path) -> bool:
    """Whether a folder holds packed clips."""
    return any(folder.glob(f"*{_LABELS}"))


def unpack_clips(folder: Path) -> Path:
    """Unpack a folder of packed clips, or find what was unpacked before.

    Args:
        folder: holds `<name>.mp4` and `<name>_labels.mkv`.

    Returns:
        A folder in the DAVIS layout: JPEG frames of quality 95 and grey PNG label maps, of the clips' own
        size.

    Raises:
        DatasetError: a clip is missing, or its label maps are not as many as its frames.
        ClipError: a clip cannot be read to its end.
        MaskError: a video does not hold label maps, or cannot be read.
        OutputError: the cache cannot be written.
    """
    pairs = []
    for labels in sorted(folder.glob(f"*{_LABELS}")):
        clip = labels.with_name(labels.name.removesuffix(_LABELS) + ".mp4")
        if not clip.is_file():
            raise DatasetError(f"{labels} has no clip {clip.name} beside it")
        pairs.append((clip, labels))
    stamps = "".join(f"{p.name} {p.stat().st_size} {p.stat().st_mtime_ns}\n" for pair in pairs for p in pair)
    key = hashlib.sha256(f"{folder.resolve()}\n{stamps}".encode()).hexdigest()[:12]
    target = cache_folder() / "clips" / key
    if target.is_dir():
        return target
    partial = target.with_name(f"{key}.{os.getpid()}.partial")
    try:
        for clip, labels in pairs:
            _unpack(clip, labels, partial)
        try:
            partial.rename(target)
        except OSError:
            if not target.is_dir():  # else another process of the same run was first
                raise
    except OSError as error:
        raise output_error(target, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _unpack(clip: Path, labels: Path, target: Path) -> None:
    frames_folder = target / "JPEGImages" / "480p" / clip.stem
    labels_folder = target / "Annotations" / "480p" / clip.stem
    for folder in (frames_folder, labels_folder):
        folder.mkdir(parents=True, exist_ok=True)
    frames = maps = 0
    for frame in VideoClip(clip):
        Image.fromarray(frame.rgb).save(frames_folder / f"{frame.index:05d}.jpg", quality=95)
        frames = frame.index + 1
    for index, label_map in enumerate(read_label_video(labels)):
        Image.fromarray(label_map).save(labels_folder / f"{index:05d}.png", compress_level=1)
        maps = index + 1
    if frames != maps:
        raise DatasetError(f"{clip} has {frames} frames, {labels.name} {maps} label maps: unpack them again")
