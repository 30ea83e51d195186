"""Masks that exist beside the clip that they belong to."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from vosctl.errors import MaskError
from vosctl.masks.writer import LabelledFrame
from vosctl.media.frame import Frame


def with_pictures(
    frames: Iterable[Frame], masks: Iterable[LabelledFrame], where: Path, is_part: bool = False
) -> Iterator[LabelledFrame]:
    """Yields each mask with its frame's picture, time and name.

    They are matched in order; if the first two have one name, then all must.

    Args:
        frames: those of the clip, in order.
        masks: one for every frame, in order.
        where: the masks' place, for messages.
        is_part: the frames are a part of a clip: masks of other frames are passed over, if names tell which.

    Raises:
        MaskError: there are more or fewer masks than frames, or one does not belong to its frame.
    """
    waiting = iter(masks)
    by_stem: bool | None = None  # known at the first frame
    index = -1
    for index, frame in enumerate(frames):
        mask = next(waiting, None)
        while is_part and mask is not None and mask.stem != frame.stem:
            mask = next(waiting, None)
        if mask is None:
            raise MaskError(f"{where} holds {index} masks, none for frame {index}; give one for every frame")
        if by_stem is None:
            by_stem = mask.stem == frame.stem
        if by_stem and mask.stem != frame.stem:
            raise MaskError(
                f"{where} holds mask {mask.stem} where frame {frame.stem} is expected; "
                "give one for every frame, under its name"
            )
        if mask.labels.shape != frame.rgb.shape[:2]:
            height, width = mask.labels.shape
            raise MaskError(
                f"{where}, mask {mask.stem} is {width}x{height}, but the clip is "
                f"{frame.rgb.shape[1]}x{frame.rgb.shape[0]}; give masks of the clip's own size"
            )
        yield replace(mask, stem=frame.stem, time=frame.time, rgb=frame.rgb)
    if not is_part and next(waiting, None) is not None:
        raise MaskError(f"{where} holds more masks than the clip's {index + 1} frames; give the clip's own")
