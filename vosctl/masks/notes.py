"""What readers of masks tell people beside the masks."""

from collections.abc import Callable

Note = Callable[[str], None]

OVERLAP = "objects overlap; in a label map each pixel has one id, and the higher one is kept"
VOID_IS_BACKGROUND = "255 was read as void (background)"
FIRST_FRAME_OF_SEVERAL = "it holds a mask for every frame, of which that of frame {} was taken"
READABLE = (
    "a folder of masks, a folder with one folder per object, a label or matte video, annotations "
    "(.json, .xml, .zip), or an .npz or .npy"
)
"""What can be given as masks, for messages."""
