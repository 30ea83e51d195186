"""Base net, the baseline of FRTM's Table 1; tests systems/base_net/tracker.py, systems/base_net/spec.py and
training/base_net_network.py too."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.small import moving_discs, tiny_backbone
from vosctl.errors import UsageError, WeightsError
from vosctl.evaluation.sequence_runner import RunPlan, SequenceRunner
from vosctl.evaluation.variants import Variant
from vosctl.systems.base_net.model import BaseNetModel
from vosctl.systems.base_net.network import BaseNet
from vosctl.systems.catalogue import open_system
from vosctl.systems.choice import ModelChoice
from vosctl.systems.registry import load_model
from vosctl.systems.settings import TrackerSettings
from vosctl.systems.weights_file import write_weights
from vosctl.tracking.tracker import Tracker
from vosctl.training.base_net_network import BaseNetTrainingNetwork
from vosctl.training.frtm_network import StepPlan
from vosctl.training.recipe import ModelRecipe, Recipe, SourceRecipe, StageRecipe

RECIPE = Recipe(
    sources=(SourceRecipe("clips", "davis"),),
    stages=(StageRecipe(10, 1, (64, 96)),),
    model=ModelRecipe(system="base-net"),
    precision="float32",
)


def random_model() -> BaseNetModel:
    torch.manual_seed(0)
    backbone = tiny_backbone(4)
    return BaseNetModel("random", backbone, BaseNet(backbone.channels)).prepare(
        torch.device("cpu"), torch.float32
    )


@torch.no_grad()
def test_an_object_does_not_depend_on_its_company() -> None:
    network, generator = BaseNet((8, 8, 8, 8)).eval(), torch.Generator().manual_seed(0)
    layer3 = torch.rand(2, 8, 3, 4, generator=generator)
    masks = (torch.rand(2, 3, 48, 64, generator=generator) > 0.5).float()
    together = network.scores(network.encode(layer3, masks), layer3)
    assert together.shape == (2, 3, 3, 4)
    for one in range(3):
        alone = network.scores(network.encode(layer3, masks[:, one : one + 1]), layer3)
        torch.testing.assert_close(together[:, one], alone[:, 0])


def test_it_follows_objects_and_learns_from_their_first_frame_alone() -> None:
    frames, labels = moving_discs(5, (96, 64), objects=2, radius=12)
    results = list(Tracker(random_model(), TrackerSettings()).run(frames, {0: labels[0]}, scores=True))
    assert len(results) == 5
    assert results[2].scores.shape[:2] == (2, 1)
    again = Tracker(random_model(), TrackerSettings(window=1)).run(frames, {0: labels[0]}, scores=True)
    for one, other in zip(results, again, strict=True):
        if one.scores is not None:
            np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)


def test_a_saved_state_goes_on() -> None:
    model, (frames, labels) = random_model(), moving_discs(2, (64, 48), radius=10)
    images = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 255
    first, second = (open_system(model, TrackerSettings()) for _ in range(2))
    first.start(images[0], {3: torch.from_numpy(labels[0]).float()})
    second.load_state_dict(first.state_dict())
    assert second.object_ids == [3]
    with torch.no_grad():
        assert torch.equal(first.predict(images[1:]), second.predict(images[1:]))


def test_training_leaves_the_backbone_alone_and_reaches_all_else() -> None:
    torch.manual_seed(0)
    network = BaseNetTrainingNetwork(RECIPE)
    images = torch.rand(1, 3, 3, 64, 96)
    masks = torch.zeros(1, 3, 2, 64, 96, dtype=torch.uint8)
    masks[..., 10:30, 20:50] = 1
    terms = network(images, masks, torch.ones(1, 2, dtype=torch.bool), StepPlan.of(RECIPE, 0))
    terms["loss"].backward()
    with_gradient = {
        name.split(".")[0] + "." + name.split(".")[1]
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and parameter.grad.any()
    }
    assert with_gradient == {"base_net.encoder", "base_net.comparison", "base_net.refinement"}
    assert isinstance(network.model(), BaseNetModel)


def test_a_model_file_is_run_as_the_variant_base_net(tmp_path: Path) -> None:
    network = BaseNetTrainingNetwork(RECIPE)
    path = tmp_path / "base.pt"
    write_weights(path, "base-net-rn18", network.state_dict(), {})
    assert isinstance(load_model(str(path), device="cpu", precision="fp32"), BaseNetModel)
    runner = SequenceRunner(RunPlan(ModelChoice(str(path)), TrackerSettings()), "cpu")
    assert runner.description.variant == Variant.BASE_NET
    other = SequenceRunner(RunPlan(ModelChoice(str(path)), TrackerSettings(), Variant.OURS), "cpu")
    with pytest.raises(UsageError, match=r"--variant ours: .* cannot run it; it takes a model of FRTM"):
        _ = other.description
    with pytest.raises(WeightsError, match="no weights are shipped; train them"):
        load_model("base-net-rn18")
