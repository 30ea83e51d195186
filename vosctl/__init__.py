"""vosctl segments the objects of a video from a mask of its first frame.

>>> from vosctl import segment
>>> segment("clip.mp4", "first.png", output="masks")  # doctest: +SKIP

`segment` does what the command line does with a clip; `load_model` and `Tracker` work on arrays. All of them
are imported when they are first asked for: `import vosctl` alone does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vosctl.version import __version__ as __version__

if TYPE_CHECKING:
    from vosctl.api import correct as correct
    from vosctl.api import read_frames as read_frames
    from vosctl.api import segment as segment
    from vosctl.errors import VosctlError as VosctlError
    from vosctl.systems.registry import load_model as load_model
    from vosctl.systems.settings import TrackerSettings as TrackerSettings
    from vosctl.tracking.tracker import TrackedFrame as TrackedFrame
    from vosctl.tracking.tracker import Tracker as Tracker

_HOME = {
    "TrackedFrame": "vosctl.tracking.tracker",
    "Tracker": "vosctl.tracking.tracker",
    "TrackerSettings": "vosctl.systems.settings",
    "VosctlError": "vosctl.errors",
    "correct": "vosctl.api",
    "load_model": "vosctl.systems.registry",
    "read_frames": "vosctl.api",
    "segment": "vosctl.api",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vosctl' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
