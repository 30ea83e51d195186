"""What readers of masks tell people beside the masks."""

from collections.abc import Callable

Note = Callable[[str], None]

OVERLAP = "objects overlap; in a label map each pixel has one id, and the higher one is kept"
VOID = "255 was read as void (background)"
