"""What a caller may hand to the tracker: frames and masks are brought into one form here, or refused.

The command line's reader of masks is more generous, since a file tells more about itself than an array does.
"""

import numpy as np

from vosctl.arrays import Image, Labels
from vosctl.errors import ClipError, MaskError

_HIGHEST_ID = 254  # 255 is void
_BLACK_AND_WHITE = [0, 255]


def as_frame(value: object, index: int) -> Image:
    """A frame of a clip, checked.

    Args:
        value: a (H, W, 3) uint8 array.
        index: of the frame, for messages.

    Raises:
        ClipError: it is something else; the message says what was found and how to convert it.
    """
    expected = "expected an (H, W, 3) uint8 array, RGB"
    if not isinstance(value, np.ndarray):
        way = "; convert a picture with numpy.asarray(picture.convert('RGB'))" if _is_picture(value) else ""
        raise ClipError(f"frame {index} is a {type(value).__name__}; {expected}{way}")
    found = f"frame {index} has shape {value.shape} and dtype {value.dtype}"
    if value.ndim == 2 or (value.ndim == 3 and value.shape[2] == 1):
        raise ClipError(f"{found}: one channel; {expected}; repeat a gray frame three times")
    if value.ndim != 3 or value.shape[2] != 3 or 0 in value.shape:
        raise ClipError(f"{found}; {expected}")
    if value.dtype != np.uint8:
        way = "; multiply values in [0, 1] by 255 and round them" if value.dtype.kind == "f" else ""
        raise ClipError(f"{found}; {expected}{way}")
    return value


def as_labels(value: object, index: int, size: tuple[int, int]) -> Labels:
    """A mask of a frame as a label map.

    Args:
        value: (H, W) or (H, W, 1), bool or of whole numbers. Ids are 1 to 254. A mask of 0 and 255 alone is
            black and white, as `--mask` takes it: object 1.
        index: of the frame, for messages.
        size: (H, W) of the frame.

    Raises:
        MaskError: it is something else, or of another size than its frame.
    """
    expected = "expected an (H, W) array of object ids, 0 for the background and 1 to 254 for objects"
    if not isinstance(value, np.ndarray):
        way = "; convert a picture with numpy.asarray(picture)" if _is_picture(value) else ""
        raise MaskError(f"the mask for frame {index} is a {type(value).__name__}; {expected}{way}")
    found = f"the mask for frame {index} has shape {value.shape} and dtype {value.dtype}"
    labels = value[..., 0] if value.ndim == 3 and value.shape[2] == 1 else value
    if labels.ndim != 2:
        raise MaskError(f"{found}; {expected}")
    if labels.dtype.kind not in "bui":
        raise MaskError(f"{found}; {expected}; threshold a soft mask first, for example with mask > 0.5")
    if labels.shape != size:
        raise MaskError(
            f"the mask for frame {index} is {labels.shape[1]}x{labels.shape[0]}, "
            f"the frame {size[1]}x{size[0]}; they must be equal"
        )
    ids = np.unique(labels).tolist()
    if ids in (_BLACK_AND_WHITE, [255]):
        return (labels > 0).astype(np.uint8)
    if ids[0] < 0 or ids[-1] > _HIGHEST_ID:
        raise MaskError(f"{found} and values from {ids[0]} to {ids[-1]}; {expected}")
    return labels.astype(np.uint8, copy=not labels.flags.writeable)  # torch takes no read-only arrays


def masks_by_frame(masks: object) -> dict[int, object]:
    """The masks of a call, by frame index.

    Raises:
        MaskError: they are no mapping, such as a bare mask.
    """
    if isinstance(masks, np.ndarray) or not hasattr(masks, "items"):
        shape = f" of shape {masks.shape}" if isinstance(masks, np.ndarray) else ""
        raise MaskError(
            f"the masks are a {type(masks).__name__}{shape}; expected a mapping from frame index to mask, "
            "such as {0: mask}"
        )
    return dict(masks.items())


def _is_picture(value: object) -> bool:
    """Whether it is one of Pillow's, which is not imported for that."""
    return type(value).__module__.startswith("PIL.")
