"""What the page of `vosctl mask` may ask for: frames, masks of boxes, and to save."""

import io
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vosctl.arrays import MAX_ID, Labels
from vosctl.boxes import Box, parse_box
from vosctl.errors import ClipError, MaskError, TruncatedClipError, UsageError
from vosctl.media.broken_files import IMAGE_ERRORS
from vosctl.media.frame import Clip, Frame
from vosctl.media.palette import PALETTE, palette_bytes, save_palette_png
from vosctl.web.server import Answer, Route

SegmentBoxes = Callable[[NDArray[np.uint8], Mapping[int, Box]], Labels]

_FRAMES_KEPT = 8
_JPEG_QUALITY = 95
_PNG_OVERHEAD = 1 << 16  # bytes that a mask's PNG may take beyond one a pixel


class Frames:
    """A clip's frames by index, from one decoder that goes back to the start where it must."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._rest: Iterator[Frame] = iter(())
        self._next: int | None = None  # index that `_rest` gives next
        self.count: int | None = None
        """Known once the end has been seen."""

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """(H, W, 3) uint8.

        Raises:
            ClipError: the clip has no such frame, or it cannot be read.
        """
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
            if self._next is None or index < self._next:
                self._rest, self._next = iter(self._clip), 0
            return self._read_on(index)

    def _read_on(self, index: int) -> NDArray[np.uint8]:
        assert self._next is not None
        try:
            for frame in self._rest:
                self._next = frame.index + 1
                if frame.index == index:
                    self._kept[index] = frame.rgb
                    if len(self._kept) > _FRAMES_KEPT:
                        self._kept.popitem(last=False)
                    return frame.rgb
        except TruncatedClipError:
            pass  # what came before the break can be drawn on
        self.count, self._next = self._next, None
        raise ClipError(
            f"{self._clip.info.path} has {self.count} frames, counted from 0; there is no frame {index}"
        )


@dataclass
class MaskEditor:
    """One mask of one clip, drawn in the page."""

    clip: Clip
    frames: Frames
    output: Path
    frame: int
    """That the mask is of."""
    labels: Labels
    """(H, W): what is drawn already."""
    segment_boxes: SegmentBoxes
    next_command: Callable[[int], str]
    """What to do with a mask of a frame."""

    @property
    def routes(self) -> dict[tuple[str, str], Route]:
        """What the page may ask for, as `PageServer` takes it."""
        return {
            ("GET", "state"): self._state,
            ("GET", "frame"): self._picture,
            ("GET", "mask"): lambda query, body: Answer(_png(self.labels), "image/png"),
            ("POST", "segment"): self._segment,
            ("POST", "save"): self._save,
        }

    @property
    def largest_body(self) -> int:
        """Bytes of a mask's PNG, at most."""
        return self.labels.size * 2 + _PNG_OVERHEAD

    def _state(self, query: Mapping[str, str], body: bytes) -> Answer:
        info = self.clip.info
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
        object_id = query.get("object", "")
        if not object_id.isdecimal() or not 1 <= int(object_id) <= MAX_ID:
            raise UsageError(f"object {object_id}: expected an id from 1 to {MAX_ID}")
        info = self.clip.info
        box = parse_box(query.get("box", ""), info.width, info.height)
        return Answer(
            _png(self.segment_boxes(self.frames[_index(query)], {int(object_id): box})), "image/png"
        )

    def _save(self, query: Mapping[str, str], body: bytes) -> Answer:
        frame = _index(query)
        labels = self._read(body)
        self.frames[frame]  # a mask of a frame that the clip does not have would be refused later
        save_palette_png(self.output, labels)
        self.frame, self.labels = frame, labels
        content = {"path": str(self.output), "next": self.next_command(frame)}
        return Answer(json.dumps(content).encode(), is_last=True)

    def _read(self, png: bytes) -> Labels:
        """The page's mask.

        Raises:
            MaskError: it is no gray 8-bit PNG of the clip's size, or empty.
        """
        size = (self.clip.info.width, self.clip.info.height)
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
    text = query.get("index", "")
    if not text.isdecimal() or len(text) > 9:
        raise UsageError(f"frame {text}: expected a number, counted from 0")
    return int(text)


def _png(labels: Labels) -> bytes:
    image = Image.fromarray(labels)
    image.putpalette(palette_bytes())
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
