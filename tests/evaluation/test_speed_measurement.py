"""Tests evaluation/operations.py and systems/frtm/operations.py too, beside what it is named after."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.small import moving_discs, tiny_agame, tiny_model
from vosctl.evaluation.operations import count_operations, product_rate
from vosctl.evaluation.speed_measurement import SpeedJob, measure_speed
from vosctl.media.clip import ClipInfo
from vosctl.media.video_writer import VideoWriter
from vosctl.systems.frtm.model import FRTMModel
from vosctl.systems.settings import TrackerSettings


def model() -> FRTMModel:
    found = tiny_model(refined=True)
    assert isinstance(found, FRTMModel)
    return found


def test_operations_are_those_of_the_published_network() -> None:
    """At 224x224 ResNet-18 has 1.81 GMAC without its classifier, two operations each."""
    counted = count_operations(model(), TrackerSettings(), (224, 224), 1)
    assert counted["features"] == pytest.approx(2 * 1.814e9, rel=0.01)
    large = count_operations(model(), TrackerSettings(), (854, 480), 2)
    once = count_operations(model(), TrackerSettings(), (854, 480), 1)
    assert large["features"] == once["features"]
    for per_object in ("target model", "refinement", "memory", "update"):
        assert large[per_object] == pytest.approx(2 * once[per_object], rel=1e-6)
    assert once["memory"] > 2 / 3 * 2 * 864**2 * 30 * 54  # G alone, which is symmetric
    assert 20e9 < once["refinement"] < 26e9  # about 12 GMAC


def test_without_updates_nothing_is_remembered() -> None:
    counted = count_operations(model(), TrackerSettings(update=False, refine=False), (160, 96), 1)
    assert set(counted) == {"features", "target model", "first frame"}


def test_the_machine_multiplies() -> None:
    assert product_rate(torch.device("cpu"), torch.float32) > 1e8


@pytest.fixture
def clip_of_two(tmp_path: Path) -> SpeedJob:
    frames, labels = moving_discs(12, objects=2)
    path = tmp_path / "clip.mp4"
    info = ClipInfo(path, 160, 96, 12, None, has_audio=False, is_folder=False)
    with VideoWriter(path, info) as video:
        for frame in frames:
            video.write(np.ascontiguousarray(frame))
    return SpeedJob("given", path, {0: labels[0]})


def test_a_clip_is_measured_stage_by_stage(clip_of_two: SpeedJob, tmp_path: Path) -> None:
    jobs = [clip_of_two, SpeedJob("made up", clip_of_two.clip, objects=3)]
    result = measure_speed(jobs, model(), TrackerSettings())
    given, made_up = result.clips
    assert (given.objects, made_up.objects) == (2, 3)
    assert made_up.operations > given.operations
    names = [stage.name for stage in given.stages]
    assert names[0] == "decode"
    assert names[-1] == "write"
    shares = [stage.share for stage in given.stages if stage.share is not None]
    assert 0.7 < sum(shares) <= 1.001
    assert given.model_fps == pytest.approx(12 / given.model_seconds)
    assert given.end_to_end_fps > 0
    assert 0 < given.share_of_bound < 1
    assert not list(tmp_path.glob("*png"))


def test_a_game_is_measured_by_its_own_stages(clip_of_two: SpeedJob) -> None:
    result = measure_speed([clip_of_two], tiny_agame(), TrackerSettings())
    names = {stage.name for stage in result.clips[0].stages}
    assert {"first frame", "features", "coarse masks", "upsampling", "aggregation", "update"} <= names
    assert not {"target model", "refinement", "memory"} & names


def test_operations_of_a_game() -> None:
    """Its layer4 is dilated in place of strided: four times the positions there, 3.8 times the operations."""
    once, twice = (count_operations(tiny_agame(), TrackerSettings(), (854, 480), n) for n in (1, 2))
    plain = count_operations(model(), TrackerSettings(), (864, 480), 1)["features"]
    assert plain < once["features"] == twice["features"] < 2.5 * plain
    fusion = 2 * 30 * 54 * 9 * (20 * 16 + 16 * 8 + 8)
    assert once["coarse masks"] > fusion
    recurrent = twice["coarse masks"] - once["coarse masks"]  # the features' projections are shared
    assert fusion <= recurrent < once["coarse masks"]
