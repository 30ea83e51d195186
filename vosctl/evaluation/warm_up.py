"""The first work of a process, which is not to be measured."""

from collections.abc import Mapping
from itertools import islice

from vosctl.arrays import Labels
from vosctl.media.clip import Clip
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker

_FRAMES = 10  # the first frame, two windows, of which a GPU captures the second, and one frame more


def warm_up(model: Model, settings: TrackerSettings, clip: Clip, masks: Mapping[int, Labels]) -> None:
    """Track the beginning of a clip: contexts are made then, kernels loaded, weights packed.

    Raises:
        VosctlError: the clip or a mask does not work.
    """
    frames = [frame.rgb for frame in islice(clip, _FRAMES)]
    near = {index: labels for index, labels in masks.items() if index < len(frames)}
    for _ in Tracker(model, settings).run(frames, near):
        pass
