"""Label maps are read as they are stored: no palette is interpreted, a score judges the ids in the file."""

from pathlib import Path

import numpy as np
from PIL import UnidentifiedImageError

from vosctl.arrays import Labels
from vosctl.errors import MaskError
from vosctl.media.broken_files import IMAGE_ERRORS
from vosctl.media.images import open_image
from vosctl.media.limits import check_size


def read_label_map(path: Path) -> Labels:
    """Read the ids (H, W) of a palette or gray PNG.

    Gray in three channels counts: parts of DAVIS 2016 are stored so. Other formats are refused whatever the
    file's name is, since Pillow hands some of them (EPS, for one) to other programs.

    Raises:
        MaskError: the file is missing, cannot be read, claims too many pixels, is a colour picture or holds
            ids above 255.
    """
    try:
        with open_image(path, ("PNG",)) as image:
            check_size(path, *image.size)  # by the header alone: the pixels may be more than fit into memory
            mode = image.mode
            values = np.asarray(image)  # (H, W) or (H, W, channels)
    except FileNotFoundError:
        raise MaskError(f"{path}: no such file; expected a label map, a PNG of object ids") from None
    except UnidentifiedImageError as error:
        raise MaskError(f"{path}: cannot be read as a label map: it is not a PNG; save it as one") from error
    except IMAGE_ERRORS as error:
        raise MaskError(f"{path}: cannot be read as a label map: {error}; fetch it again") from error
    if values.ndim == 3:
        values = _gray_of(values, path, mode)
    if values.dtype != np.uint8:
        if values.min() < 0 or values.max() > 255:
            raise MaskError(f"{path}: ids from {values.min()} to {values.max()}, expected ids from 0 to 255")
        values = values.astype(np.uint8)
    return values


def _gray_of(values: Labels, path: Path, mode: str) -> Labels:
    """The one channel (H, W) of a picture (H, W, channels) whose colour channels agree; alpha is ignored."""
    colours = values[..., :3] if values.shape[2] >= 3 else values[..., :1]
    if (colours != colours[..., :1]).any():
        raise MaskError(
            f"{path}: a colour picture ({mode}), expected object ids as palette indexes or gray values"
        )
    return colours[..., 0]
