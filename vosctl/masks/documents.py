"""JSON files of masks: read with care, and told apart by what is in them."""

import json
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import Any, TypeGuard

from vosctl.errors import MaskError

Item = dict[str, Any]


def load_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        MaskError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise MaskError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    except (ValueError, RecursionError) as error:
        raise MaskError(
            f"{path} is not JSON; expected masks of COCO, YouTube-VIS, LabelMe, Label Studio, Datumaro or SAM"
        ) from error


def is_json_of(path: Path, *kinds: str) -> bool:
    """Whether a path is a JSON file of one of some kinds; what is none of any kind is taken for `coco`."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    status = path.stat()
    return _kind(path, status.st_mtime_ns, status.st_size) in kinds


@lru_cache(maxsize=64)
def _kind(path: Path, _changed: int, _size: int) -> str:
    try:
        return kind_of(load_json(path))
    except MaskError:
        return "coco"  # whose reader tells what is wrong


def kind_of(content: object) -> str:
    """Which program's layout a JSON document has."""
    if isinstance(content, list):
        first = content[0] if content and isinstance(content[0], dict) else {}
        return "sam" if "segmentation" in first else "label-studio" if first else "coco"
    if not isinstance(content, dict):
        return "coco"
    signs = {
        "labelme": ("shapes",),
        "youtube-vis": ("videos", "annotations"),
        "datumaro": ("items", "categories"),
        "rle": ("size", "counts"),
        "sam": ("image", "annotations"),
    }
    return next((kind for kind, keys in signs.items() if all(key in content for key in keys)), "coco")


def items_in(document: object, key: str, path: Path, layout: str) -> list[Item]:
    """The objects that a document lists under a key.

    Raises:
        MaskError: there is no such list.
    """
    listed = document.get(key) if isinstance(document, dict) else None
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise MaskError(f"{path} has no list of {key}; expected masks in {layout}'s layout")
    return listed


def stem_of(name: object) -> str:
    """The name of a frame, from that of its image with or without folders and suffix; "" for no text."""
    return PureWindowsPath(name).stem if isinstance(name, str) else ""  # which knows both kinds of slash


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value of JSON is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)
