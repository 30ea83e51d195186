"""Masks that Segment Anything's automatic generator has found, and bare run-length codes: read, not written.

The generator gives a list of `{"segmentation": {"size", "counts"}, "area", ...}`; the SA-1B data set has the
same list as `annotations` beside `image`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vosctl.arrays import MAX_ID
from vosctl.errors import MaskError
from vosctl.masks.documents import is_json_of, items_in, load_json, stem_of
from vosctl.masks.notes import Note
from vosctl.masks.overlaps import compose
from vosctl.masks.shapes import Mask, mask_of_code
from vosctl.masks.spec import Reader
from vosctl.masks.stems import safe_stems
from vosctl.masks.writer import LabelledFrame
from vosctl.media.limits import check_size


def read_sam_masks(path: Path, note: Note) -> Iterator[LabelledFrame]:
    """Yields the one label map: objects are numbered as they stand in the file.

    The generator finds parts of objects too: smaller masks are in front of larger ones.

    Raises:
        MaskError: the file is damaged, or has more masks than a label map can hold.
    """
    document = load_json(path)
    stem = path.stem
    if isinstance(document, dict):
        image = document.get("image")
        stem = stem_of(image.get("file_name")) if isinstance(image, dict) else stem
        document = document.get("annotations")
    masks = items_in({"masks": document}, "masks", path, "SAM")
    if not masks:
        raise MaskError(f"{path} holds no masks; run the generator again")
    if len(masks) > MAX_ID:
        raise MaskError(
            f"{path} holds {len(masks)} masks; a label map has {MAX_ID} objects at most: keep "
            "the ones that you want"
        )
    height, width = _size_of(masks[0].get("segmentation"), path)

    def mask_of(number: int) -> Mask:
        return mask_of_code(masks[number - 1].get("segmentation"), f"{path}, mask {number}", height, width)

    # Read twice, and one at a time: each may be as large as the picture.
    sizes = {number: int(mask_of(number).sum()) for number in range(1, len(masks) + 1)}
    found = ((number, mask_of(number)) for number in sorted(sizes, key=lambda number: -sizes[number]))
    yield LabelledFrame(compose(height, width, found, note), safe_stems([stem or path.stem])[0])


def read_bare_code(path: Path, _: Note) -> Iterator[LabelledFrame]:
    """Yields the one mask, object 1, of a file that is a run-length code alone.

    Raises:
        MaskError: the code is damaged.
    """
    code = load_json(path)
    height, width = _size_of(code, path)
    mask = mask_of_code(code, str(path), height, width)
    yield LabelledFrame(mask.astype("uint8"), safe_stems([path.stem])[0])


def _size_of(code: Any, path: Path) -> tuple[int, int]:
    size = code.get("size") if isinstance(code, dict) else None
    if not isinstance(size, list) or len(size) != 2:
        raise MaskError(f"{path} has no run-length code with its size [height, width]; export it as COCO RLE")
    width, height = check_size(path, size[1], size[0])
    return height, width


READERS = (
    Reader("SAM's automatic masks", lambda path: is_json_of(path, "sam"), read_sam_masks, is_document=True),
    Reader("run-length code", lambda path: is_json_of(path, "rle"), read_bare_code, is_document=True),
)
