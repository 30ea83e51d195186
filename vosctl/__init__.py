"""vosctl: a mask for every frame of a video, from a mask of its first frame."""

__version__ = "0.1.0"
