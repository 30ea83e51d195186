"""What each stage takes once a clip runs: the last frames up to an update, as FRTM's Table 5 counts."""

from collections.abc import Mapping, Sequence

from vosctl.arrays import Image, Labels
from vosctl.compute.stopwatch import Stopwatch
from vosctl.systems.model import Model
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker


def steady_state(
    model: Model, settings: TrackerSettings, images: Sequence[Image], masks: Mapping[int, Labels]
) -> dict[str, float]:
    """Seconds by stage over the last t_s frames, in which one update comes; frame by frame, as in the paper.

    Args:
        model: what computes.
        settings: of the tracker.
        images: (H, W, 3) of the whole clip.
        masks: label maps by frame index.

    Returns:
        Nothing for a clip that has no t_s frames after the first t_s + 1.
    """
    interval = settings.update_interval
    begin = max(masks)
    count = begin + 1 + interval * ((len(images) - begin - 1) // interval)  # the last one is an update's
    if count < begin + 1 + 2 * interval:
        return {}
    stopwatch = Stopwatch(model.device)
    tracker = Tracker(model, settings, stopwatch)
    before: dict[str, float] = {}
    for index, image in enumerate(images[:count]):
        if index == count - interval:
            before = stopwatch.seconds()
        tracker.step(image, masks.get(index))
    return {name: value - before.get(name, 0.0) for name, value in stopwatch.seconds().items()}
