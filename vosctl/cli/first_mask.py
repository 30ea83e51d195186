"""Masks from boxes for the commands that take `--box`."""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from vosctl.arrays import Image, Labels
from vosctl.boxes import parse_boxes
from vosctl.cli.console import console
from vosctl.errors import ClipError, MaskError, OutputError, UsageError
from vosctl.job.request import MaskAt, Request, name_of
from vosctl.media.clip import open_clip
from vosctl.media.palette import save_palette_png
from vosctl.media.stream_address import stream_address
from vosctl.systems.choice import ModelChoice

if TYPE_CHECKING:
    from vosctl.boxes import Box
    from vosctl.systems.model import Model


def box_segmenter(load: "Callable[[], Model]") -> "Callable[[Image, Mapping[int, Box]], Labels]":
    """What turns boxes into masks; the networks are loaded, the tracker's by `load`, when it is first called.

    It may be called by several threads, as a page does that is loaded again: one works at a time.
    """
    turn = threading.Lock()

    @cache
    def segmenter() -> "Callable[[Image, Mapping[int, Box]], Labels]":
        from vosctl.systems.registry import load_box_network
        from vosctl.tracking.from_boxes import segment_boxes

        model = load()
        network = load_box_network(model.device)
        return lambda image, boxes: segment_boxes(model, network, image, boxes)

    def segment(image: "Image", boxes: "Mapping[int, Box]") -> "Labels":
        with turn:
            return segmenter()(image, boxes)

    return segment


def mask_at(
    clip: Path, boxes: Sequence[str], request: Request, load: "Callable[[ModelChoice], Model]", quiet: bool
) -> MaskAt:
    """The first frame's mask of `segment --box`, kept as CLIP_boxes.png so that a run can be resumed.

    Raises:
        VosctlError: the clip or a box does not work, or the file is in the way.
    """
    path = Path(f"{name_of(clip)}_boxes.png")  # not a name that people give to masks of their own
    if request.resume and path.is_file():
        return MaskAt(0, path)
    if any(given.frame == 0 for given in request.masks):
        raise UsageError("--box and --mask are both of the first frame; join them with vosctl mask")
    require_lasting(clip)
    if path.exists() and not request.overwrite:
        raise OutputError(
            f"{path}, where the boxes' mask goes, exists; give it with --mask in place of --box, or use "
            "--overwrite"
        )
    with open_clip(clip, stream=request.stream, max_pixels=request.max_pixels) as source:
        wanted = parse_boxes(boxes, source.info.width, source.info.height)
        labels = box_segmenter(lambda: load(request.model))(next(iter(source)).rgb, wanted)
    require_found(labels, wanted)
    save_palette_png(path, labels)
    if not quiet:
        console.print(f"the boxes' mask is in {path}", markup=False)
    return MaskAt(0, path)


def require_lasting(clip: Path) -> None:
    """Make sure that a clip is there to be read again, when its mask is made.

    Raises:
        ClipError: it is a stream.
    """
    if stream_address(clip):
        raise ClipError(f"{clip} can be read only once; make the mask on a file of it")


def require_found(labels: "Labels", boxes: "Mapping[int, Box]") -> None:
    """Make sure that something was found in each box.

    Raises:
        MaskError: not so.
    """
    for object_id, box in boxes.items():
        if not (labels == object_id).any():
            place = f"{box.left},{box.top},{box.right - box.left},{box.bottom - box.top}"
            raise MaskError(f"box {place}: no object was found in it; draw it with vosctl mask")
