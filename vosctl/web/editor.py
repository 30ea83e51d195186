"""Answers what the page of `vosctl mask` asks for: frames, masks of boxes, and that a mask is saved."""

import io
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vosctl.arrays import MAX_ID, Labels
from vosctl.boxes import Box, parse_box
from vosctl.errors import ClipError, MaskError, UsageError
from vosctl.media.broken_files import IMAGE_ERRORS
from vosctl.media.frame import ClipInfo
from vosctl.media.frame_index import FrameIndex
from vosctl.media.palette import PALETTE, palette_bytes, save_palette_png
from vosctl.web.server import Answer, Route

SegmentBoxes = Callable[[NDArray[np.uint8], Mapping[int, Box]], Labels]

_JPEG_QUALITY = 95
_LONGEST_NUMBER = 9  # digits of a frame's number or an id
_LONGEST_BOX = 64  # characters of x,y,w,h
_LONGEST_SHOWN = 40  # characters of a wrong value in a message
_PNG_OVERHEAD = 1 << 16  # bytes that a mask's PNG may take beyond one a pixel


class Frames:
    """A clip's frames by number, one request at a time."""

    def __init__(self, index: FrameIndex) -> None:
        self._index = index
        self._lock = threading.Lock()

    @property
    def info(self) -> ClipInfo:
        """What is known of the clip."""
        return self._index.info

    @property
    def count(self) -> int | None:
        """Number of frames; None until it is known."""
        return self._index.count

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        """Returns the picture to show, (H, W, 3) uint8.

        Raises:
            ClipError: the clip has no such frame, or it cannot be read.
        """
        with self._lock:
            return self._index.frame(number).rgb

    def exact(self, number: int) -> NDArray[np.uint8]:
        """Returns the picture, (H, W, 3) uint8, that the tracker will see under this number.

        Raises:
            ClipError: the clip has no such frame, or it cannot be read.
        """
        with self._lock:
            return self._index.exact(number).rgb


@dataclass
class MaskEditor:
    """One mask of one clip, drawn in the page."""

    frames: Frames
    output: Path
    frame: int
    """Number of the frame that the mask belongs to."""
    labels: Labels
    """The mask (H, W) as it is before anything is drawn, and in the end the one that was saved."""
    segment_boxes: SegmentBoxes
    next_command: Callable[[int], str]
    """Returns the command that follows the mask of a frame through the clip."""

    @property
    def routes(self) -> dict[tuple[str, str], Route]:
        """The answers to what the page may ask for, as `PageServer` takes them."""
        return {
            ("GET", "state"): self._state,
            ("GET", "frame"): self._picture,
            ("GET", "mask"): lambda query, body: Answer(_png(self.labels), "image/png"),
            ("POST", "segment"): self._segment,
            ("POST", "save"): self._save,
        }

    @property
    def largest_body(self) -> int:
        """How many bytes the PNG of a mask of this clip may have."""
        return self.labels.size * 2 + _PNG_OVERHEAD

    def _state(self, query: Mapping[str, str], body: bytes) -> Answer:
        info = self.frames.info
        state = {
            "clip": info.path.name,
            "output": self.output.name,
            "width": info.width,
            "height": info.height,
            "frame": self.frame,
            "frames": self.frames.count or info.frame_count_hint,
            "drawn": bool(self.labels.any()),
            "palette": PALETTE.flatten().tolist(),
        }
        return Answer(json.dumps(state).encode())

    def _picture(self, query: Mapping[str, str], body: bytes) -> Answer:
        file = io.BytesIO()
        picture = Image.fromarray(self.frames[_index(query)])
        picture.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        known = {"X-Frames": str(self.frames.count)} if self.frames.count else {}
        return Answer(file.getvalue(), "image/jpeg", known)

    def _segment(self, query: Mapping[str, str], body: bytes) -> Answer:
        object_id = _number(query, "object")
        if object_id is None or not 1 <= object_id <= MAX_ID:
            raise UsageError(f"object {_shortened(query, 'object')}: expected an id from 1 to {MAX_ID}")
        info = self.frames.info
        text = query.get("box", "")
        if len(text) > _LONGEST_BOX:
            raise UsageError(f"box {_shortened(query, 'box')}: expected x,y,w,h in whole pixels")
        box = parse_box(text, info.width, info.height)
        picture = self.frames[_index(query)]
        return Answer(_png(self.segment_boxes(picture, {object_id: box})), "image/png")

    def _save(self, query: Mapping[str, str], body: bytes) -> Answer:
        frame = _index(query)
        labels = self._read(body)
        shown = self.frames[frame]
        if not np.array_equal(shown, self.frames.exact(frame)):
            raise ClipError(
                f"what was shown as frame {frame} is another one, as the clip is damaged; frame {frame} is "
                "shown now: look whether the mask fits it, and save again"
            )
        save_palette_png(self.output, labels)
        self.frame, self.labels = frame, labels
        content = {"path": str(self.output), "next": self.next_command(frame)}
        return Answer(json.dumps(content).encode(), is_last=True)

    def _read(self, png: bytes) -> Labels:
        """Returns the mask (H, W) that the page has sent.

        Raises:
            MaskError: it is no gray 8-bit PNG of the clip's size, or it is empty.
        """
        size = (self.frames.info.width, self.frames.info.height)
        try:
            with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
                if image.size != size or image.mode != "L":  # before a pixel is decoded
                    found = f"{image.size[0]}x{image.size[1]}, {image.mode}"
                    raise MaskError(f"the mask is {found}; expected {size[0]}x{size[1]}, 8-bit gray")
                labels = np.array(image)
        except IMAGE_ERRORS as error:
            raise MaskError(f"the mask is no PNG that can be read: {error}") from error
        if not labels.any():
            raise MaskError("the mask is empty: mark at least one object")
        if labels.max() > MAX_ID:
            raise MaskError(f"the mask holds the id {labels.max()}; ids go from 1 to {MAX_ID}")
        return labels


def _index(query: Mapping[str, str]) -> int:
    number = _number(query, "index")
    if number is None:
        raise UsageError(f"frame {_shortened(query, 'index')}: expected a number, counted from 0")
    return number


def _number(query: Mapping[str, str], key: str) -> int | None:
    """Returns a whole number of the query; None where it is none, or longer than any that is meant."""
    text = query.get(key, "")
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_NUMBER else None


def _shortened(query: Mapping[str, str], key: str) -> str:
    """Returns a value of the query for a message of one line."""
    text = query.get(key, "")
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _png(labels: Labels) -> bytes:
    image = Image.fromarray(labels)
    image.putpalette(palette_bytes())
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
