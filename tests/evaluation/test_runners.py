import pytest

from vosctl.errors import MaskError, WeightsError
from vosctl.evaluation.datasets import DatasetName, open_dataset
from vosctl.evaluation.results import SequenceSpeed
from vosctl.evaluation.runners import open_runners
from vosctl.evaluation.sequence_runner import RunPlan
from vosctl.systems.choice import ModelChoice
from vosctl.systems.settings import TrackerSettings

from .small_davis import moving_objects, save_davis
from .small_model import save_backbone


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return save_backbone(tmp_path_factory.mktemp("weights") / "random.pth")


def plan_of(weights, jobs):
    choice = ModelChoice(backbone_weights=weights, precision="fp32")
    return RunPlan(choice, TrackerSettings(initial_samples=1), devices=("cpu",), jobs=jobs)


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_sequence_ends_with_its_cost_or_its_error(tmp_path, weights, jobs):
    root = save_davis(tmp_path / "DAVIS", {name: moving_objects(4) for name in ("a", "b", "c")})
    (root / "Annotations/480p/b/00000.png").write_bytes(b"broken")
    sequences = open_dataset(DatasetName.DAVIS17, root).sequences
    counts = []
    with open_runners(plan_of(weights, jobs)) as runners:
        assert runners.describe().precision == "float32"
        work = [(sequence, tmp_path / "out" / sequence.name) for sequence in sequences]
        outcomes = {sequence.name: outcome for sequence, outcome in runners.run(work, counts.append)}
    assert isinstance(outcomes["b"], MaskError)
    assert "00000.png" in str(outcomes["b"])
    for name in ("a", "c"):
        assert isinstance(outcomes[name], SequenceSpeed)
        assert outcomes[name].jobs == jobs
        assert len(list((tmp_path / "out" / name).iterdir())) == 4
    assert sum(counts) >= 8


def test_a_model_that_does_not_work_is_known_before_any_sequence(tmp_path):
    with (
        open_runners(plan_of(tmp_path / "nowhere.pth", 1)) as runners,
        pytest.raises(WeightsError, match="nowhere"),
    ):
        runners.describe()
