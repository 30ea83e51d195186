"""Targets that measure time: FRTM's Table 5 and Figures 7 and 8."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from vosctl.arrays import Image, Labels
from vosctl.compute.stopwatch import Stopwatch
from vosctl.errors import UsageError
from vosctl.evaluation.ground_truth import read_ground_truth
from vosctl.evaluation.steady_state import SteadyState
from vosctl.media.clip import open_clip
from vosctl.reproduction.outcome import RowOutcome
from vosctl.reproduction.plan import Measured, Models, Plan, measured_rows
from vosctl.reproduction.target import Row, Target
from vosctl.systems.aggregation import at_least_float32
from vosctl.systems.frtm.initial_samples import boxes_of, initial_samples, sample_weights
from vosctl.systems.frtm.learning import FirstFrame
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.frtm.target_model import TargetModel
from vosctl.systems.settings import TrackerSettings
from vosctl.tracking.tracker import Tracker

T = TypeVar("T")

K_MAX, INITIAL = 80, 20  # of the measurements of the supplement, section 7.2
_STEPS = {
    "features": "4. Feature extraction",
    "refinement": "6. Segmentation",
    "update": "9. Target model update training",
}
_COLUMNS = {"features": "features", "refinement": "segmentation", "update": "update"}


def measure_stages(target: Target, plan: Plan, models: Models) -> tuple[RowOutcome, ...]:
    """Table 5: the share of each step in the last frames of a sequence, with the memory filled."""
    outcomes: list[RowOutcome] = []
    for one in _forms(plan, memory_size=K_MAX, initial_samples=INITIAL, memory_interval=1):
        model = models.get(one.choice)
        seconds: dict[str, float] = {}
        for images, masks in _clips(plan):
            stopwatch = Stopwatch(model.device)
            steady = SteadyState(stopwatch, len(images), max(masks), one.settings.update_interval)
            for _ in Tracker(model, one.settings, stopwatch).run(steady.watched(images), masks):
                pass
            for stage, value in steady.seconds().items():
                step = _STEPS.get(stage, "Other")
                seconds[step] = seconds.get(step, 0.0) + value
        total = sum(seconds.values())
        if not total:
            raise UsageError(f"{target.name}: every sequence is too short; it takes 17 frames or more")
        for row in target.rows:
            label = row.label if len(plan.models) == 1 else f"{row.label} ({one.choice.name})"
            percent = {"percent": 100 * seconds.get(row.label, 0.0) / total}
            outcomes.append(RowOutcome(label, row.paper, percent, one.made_by, row.reason))
    return tuple(outcomes)


def measure_first_frame(target: Target, plan: Plan, models: Models) -> tuple[RowOutcome, ...]:
    """Figure 7: the time of steps 1 and 2 by their parts, in percent of the whole with 20 samples."""
    outcomes = []
    sizes = [int(size) for size in target.sweep["initial_samples"]]
    for one in _forms(plan):
        model = models.get(one.choice)
        if not isinstance(model, FRTMModel):
            raise UsageError(f"{one.choice.name}: {target.name} is of FRTM; give one of its models")
        found = {size: _first_frame_seconds(model, one.settings, size, plan) for size in (*sizes, INITIAL)}
        whole = sum(found[INITIAL].values())
        for size in sizes:
            parts = {name: 100 * seconds / whole for name, seconds in found[size].items()}
            label = f"|M_0| = {size} ({one.choice.name})"
            outcomes.append(RowOutcome(label, {}, {**parts, "all": sum(parts.values())}, one.made_by, ""))
    return tuple(outcomes)


def measure_memory_sizes(target: Target, plan: Plan, models: Models) -> tuple[RowOutcome, ...]:
    """Figure 8: the time of each later frame by its parts, in percent of the whole with K_max = 80."""
    outcomes = []
    sizes: list[int | None] = [*(int(size) for size in target.sweep["memory_size"]), None]
    for one in _forms(plan, initial_samples=INITIAL):
        model = models.get(one.choice)
        found = {
            size: _frame_seconds(model, replace(one.settings, memory_size=size), plan)
            for size in {*sizes, K_MAX}
        }
        whole = sum(found[K_MAX].values())
        for size in sizes:
            parts = {name: 100 * seconds / whole for name, seconds in found[size].items()}
            label = f"K_max = {size}" if size else "the matrix in place of samples"
            ours = {**parts, "all": sum(parts.values())}
            outcomes.append(RowOutcome(f"{label} ({one.choice.name})", {}, ours, one.made_by, ""))
    return tuple(outcomes)


def _forms(plan: Plan, **settings: int) -> list[Measured]:
    """The plan's models, with these numbers in place of the preset's."""
    return measured_rows(Row("", settings=settings), plan)


def _frame_seconds(model: object, settings: TrackerSettings, plan: Plan) -> dict[str, float]:
    """Seconds for a frame after the first, by Figure 8's parts; the mean over all frames of all sequences."""
    assert isinstance(model, FRTMModel)
    seconds, frames = dict.fromkeys((*_COLUMNS.values(), "other"), 0.0), 0
    for images, masks in _clips(plan):
        stopwatch = Stopwatch(model.device)
        for _ in Tracker(model, settings, stopwatch).run(images, masks):
            frames += 1
        for stage, value in stopwatch.seconds().items():
            if stage != "first frame":
                seconds[_COLUMNS.get(stage, "other")] += value
    return {name: value / frames for name, value in seconds.items()}


@torch.inference_mode()
def _first_frame_seconds(
    model: FRTMModel, settings: TrackerSettings, size: int, plan: Plan
) -> dict[str, float]:
    """Seconds for the first frame of one object with so many samples, by Figure 7's parts, over all clips."""
    seconds = dict.fromkeys(("augmentation", "features", "training"), 0.0)
    fit = FirstFrame(model.schedule.adapted(settings), K_MAX)
    for images, masks in _clips(plan):
        image = torch.from_numpy(images[0]).to(model.device).permute(2, 0, 1).to(model.dtype) / 255
        first = next(iter(masks.values()))
        mask = torch.from_numpy(np.asarray(first) == np.unique(first)[1]).to(image)
        box = boxes_of(mask[None])[0]
        (samples, labels), spent = _clocked(model, partial(initial_samples, image, mask, size, 0, box))
        seconds["augmentation"] += spent
        features, spent = _clocked(model, partial(_features, model, samples))
        seconds["features"] += spent
        start = TargetModel.random(features.shape[1], [0], features)
        weights = sample_weights(size).to(features)
        training = partial(fit, features[None], labels[None].to(features), weights, start.w1, start.w2)
        _, spent = _clocked(model, training)
        seconds["training"] += spent
    return seconds


def _features(model: FRTMModel, images: list[Tensor]) -> Tensor:
    """Layer3 of images (3, H, W), one after the other as memory allows: (K, C, h, w)."""
    layers = [model.backbone(image[None], 3).layer3 for image in images]
    return at_least_float32(torch.cat(layers))


def _clocked(model: FRTMModel, work: Callable[[], T]) -> tuple[T, float]:
    """What the work gives, and its seconds."""
    start = time.perf_counter()
    found = work()
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)
    return found, time.perf_counter() - start


def _clips(plan: Plan) -> Iterator[tuple[list[Image], Mapping[int, Labels]]]:
    """The frames and first masks of each sequence."""
    plan.progress.phase("measuring", sum(len(one.frames) for one in plan.dataset.sequences))
    for sequence in plan.dataset.sequences:
        with open_clip(sequence.frames[0].parent) as clip:
            images = [frame.rgb for frame in clip]
        yield images, read_ground_truth(sequence).first_masks()
        plan.progress.advance(len(images))
