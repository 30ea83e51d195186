import hashlib

import numpy as np
import pytest

from vosctl.errors import WeightsError
from vosctl.evaluation.datasets import DatasetName, open_dataset
from vosctl.evaluation.label_maps import read_label_map
from vosctl.evaluation.sequence_runner import RunPlan, SequenceRunner
from vosctl.evaluation.variants import Variant
from vosctl.systems.choice import ModelChoice
from vosctl.systems.settings import TrackerSettings

from .small_davis import moving_objects, save_davis, save_youtube, stems_of
from .small_model import save_backbone


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return save_backbone(tmp_path_factory.mktemp("weights") / "random.pth")


def runner_of(weights, **options):
    choice = ModelChoice(backbone_weights=weights, precision="fp32")
    return SequenceRunner(RunPlan(choice, TrackerSettings(initial_samples=2), **options), "cpu")


def test_a_run_writes_a_mask_for_each_frame_and_counts_its_cost(tmp_path, weights):
    root = save_davis(tmp_path / "DAVIS", {"a": moving_objects(12)})
    sequence = open_dataset(DatasetName.DAVIS17, root).sequences[0]
    counts = []
    speed = runner_of(weights).run(sequence, tmp_path / "out", counts.append)
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == stems_of(12)
    assert (read_label_map(tmp_path / "out" / "00000.png") == moving_objects(1)[0]).all()
    assert (speed.frames, speed.objects, speed.width, speed.height, speed.jobs) == (12, 2, 64, 48, 1)
    assert sum(counts) == 12
    assert 0 < speed.model_seconds <= speed.end_to_end_seconds
    assert 0 < speed.first_mask_seconds <= speed.end_to_end_seconds


def test_youtube_objects_join_late(tmp_path, weights):
    dataset = open_dataset(DatasetName.YTVOS18, save_youtube(tmp_path / "YouTubeVOS"))
    runner_of(weights).run(dataset.sequences[0], tmp_path / "out")
    masks = [read_label_map(tmp_path / "out" / f"{stem}.png") for stem in stems_of(5, step=5)]
    assert all(2 not in labels for labels in masks[:2])
    given = moving_objects(5)[2]
    assert (masks[2][given == 2] == 2).all()


def test_the_description_traces_the_weights(weights):
    description = runner_of(weights).description
    assert description.weights == {"random.pth": hashlib.sha256(weights.read_bytes()).hexdigest()}
    assert description.precision == "float32"
    assert description.device.startswith("cpu (")
    assert description.settings["initial_samples"] == 2


def test_without_a_refinement_network_it_is_d_only_and_ours_is_refused(weights):
    description = runner_of(weights).description
    assert (description.variant, description.settings["refine"], description.settings["update"]) == (
        "d-only",
        False,
        True,
    )
    fixed = runner_of(weights, variant=Variant.D_ONLY_NO_UPDATE).description
    assert (fixed.variant, fixed.settings["update"]) == ("d-only-no-update", False)
    with pytest.raises(WeightsError, match="no refinement network, which --variant ours needs"):
        _ = runner_of(weights, variant=Variant.OURS).description


def test_a_run_repeats(tmp_path, weights):
    root = save_davis(tmp_path / "DAVIS", {"a": moving_objects(6)})
    sequence = open_dataset(DatasetName.DAVIS17, root).sequences[0]
    for name in ("one", "two"):
        runner_of(weights).run(sequence, tmp_path / name)
    for stem in stems_of(6):
        one, two = (read_label_map(tmp_path / name / f"{stem}.png") for name in ("one", "two"))
        assert np.array_equal(one, two)
