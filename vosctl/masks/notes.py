"""What readers of masks tell people beside the masks."""

from collections.abc import Callable

Note = Callable[[str], None]

OVERLAP = "objects overlap; in a label map each pixel has one id, and the higher one is kept"
VOID_IS_BACKGROUND = "255 was read as void (background)"
READABLE = "a folder of masks, a folder with one folder per object, a label video, a COCO .json or an .npz"
"""What can be given as masks, for messages."""
