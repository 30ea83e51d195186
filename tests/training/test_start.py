import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import URLError

import pytest
import torch

from vosctl.errors import UsageError, WeightsError
from vosctl.systems.backbone import ResNet
from vosctl.systems.weights_file import write_weights
from vosctl.training.frtm_network import TrainingNetwork
from vosctl.training.recipe import ModelRecipe, Recipe
from vosctl.training.recipe_file import read_recipe
from vosctl.training.start import load_refinement, load_start, start_network


@pytest.fixture
def recipe(recipe_file: Path) -> Recipe:
    return read_recipe(recipe_file)


@torch.no_grad()
def test_a_run_that_sees_the_prior_starts_from_one_that_does_not(recipe: Recipe, tmp_path: Path) -> None:
    earlier = TrainingNetwork(recipe).eval()
    write_weights(tmp_path / "earlier.pt", "frtm-rn18", earlier.state_dict(), {})
    later = TrainingNetwork(replace(recipe, model=replace(recipe.model, prior=True))).eval()
    load_start(later, tmp_path / "earlier.pt")
    features = earlier.backbone(torch.rand(1, 3, 64, 96))
    scores = torch.rand(1, 1, 4, 6)
    before = earlier.refinement(features, scores, (64, 96))
    after = later.refinement(features, scores, (64, 96), torch.rand(1, 1, 4, 6))
    torch.testing.assert_close(after, before, rtol=0, atol=0.02)  # half precision in the file

    write_weights(tmp_path / "later.pt", "frtm-rn18", later.state_dict(), {})
    with pytest.raises(UsageError, match=r"later\.pt does not fit the recipe's network"):
        load_start(earlier, tmp_path / "later.pt")


@torch.no_grad()
def test_a_run_with_narrower_encoders_leaves_out_what_does_nothing(recipe: Recipe, tmp_path: Path) -> None:
    earlier = TrainingNetwork(recipe).eval()
    for encoder in earlier.refinement.TSE.values():
        encoder.transform[0].weight[7] = 0  # so its channel is a constant that nothing follows
        encoder.transform[0].bias[7] = 0
        encoder.transform[4].weight[:, 20] = 0  # nobody listens
    write_weights(tmp_path / "earlier.pt", "frtm-rn18", earlier.state_dict(), {})
    later = TrainingNetwork(replace(recipe, model=replace(recipe.model, encoder_width=64))).eval()
    load_start(later, tmp_path / "earlier.pt")
    features = earlier.backbone(torch.rand(1, 3, 64, 96))
    arguments = features, torch.rand(1, 1, 4, 6), (64, 96)
    expected = earlier.refinement(*arguments)
    torch.testing.assert_close(later.refinement(*arguments), expected, rtol=0, atol=0.02)  # half precision
    assert later.refinement.TSE["layer2"].transform[2].weight.shape[:2] == (64, 64)


def test_a_larger_model_goes_on_from_a_small_ones_refinement(recipe: Recipe, tmp_path: Path) -> None:
    small = TrainingNetwork(recipe)
    write_weights(tmp_path / "small.pt", "frtm-rn18", small.state_dict(), {})
    large = TrainingNetwork(replace(recipe, model=replace(recipe.model, backbone="resnet50")))
    before = {name: value.clone() for name, value in large.state_dict().items()}
    load_refinement(large, tmp_path / "small.pt")
    for name, value in large.state_dict().items():
        if name.startswith("refinement.") and ".reduce.0." not in name:
            expected = small.state_dict()[name]
            torch.testing.assert_close(value, expected, rtol=0, atol=1e-3)  # half precision in the file
        else:
            assert torch.equal(value, before[name]), name

    load_refinement(
        TrainingNetwork(replace(recipe, model=replace(recipe.model, prior=True))), tmp_path / "small.pt"
    )
    wide = TrainingNetwork(replace(recipe, model=replace(recipe.model, encoder_width=72)))
    with pytest.raises(UsageError, match=r"small\.pt does not fit the recipe's network"):
        load_refinement(wide, tmp_path / "small.pt")
    torch.save(small.backbone.state_dict(), tmp_path / "backbone.pth")
    with pytest.raises(UsageError, match=r"backbone\.pth holds no refinement network"):
        load_refinement(large, tmp_path / "backbone.pth")


def offer(monkeypatch: pytest.MonkeyPatch, answer: dict[str, torch.Tensor] | Exception) -> list[Any]:
    """A torchvision whose weights are `answer`; the calls are noted."""
    calls: list[Any] = []

    class Weights:
        url = "https://example.org/resnet18-f37072fd.pth"

        def get_state_dict(self, **options: object) -> dict[str, torch.Tensor]:
            calls.append(options)
            if isinstance(answer, Exception):
                raise answer
            return answer

    def get_model_weights(name: str) -> dict[str, Weights]:
        calls.append(name)
        return {"IMAGENET1K_V1": Weights()}

    models = ModuleType("torchvision.models")
    models.get_model_weights = get_model_weights  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return calls


def test_a_start_from_torchvision_checks_the_hash(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {**ResNet("resnet18", 4).state_dict(), "fc.weight": torch.zeros(1000, 512)}
    state["conv1.weight"] = torch.rand(64, 3, 7, 7)
    calls = offer(monkeypatch, state)
    network = TrainingNetwork(recipe)
    start_network(network, ModelRecipe(start="torchvision"), {})
    assert torch.equal(network.backbone.conv1.weight, state["conv1.weight"])
    assert calls[0] == "resnet18"
    assert calls[1]["check_hash"] is True


def test_a_start_from_torchvision_is_no_data(recipe: Recipe) -> None:
    started = replace(recipe, model=ModelRecipe(start="torchvision"))
    assert started.data_names() == recipe.data_names()


@pytest.mark.parametrize(
    "error", [URLError("no route\nto host"), RuntimeError('invalid hash value (expected "f37072fd")')]
)
def test_without_a_connection_one_line_says_what_to_do(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    offer(monkeypatch, error)
    with pytest.raises(
        WeightsError, match=r"resnet18 cannot be downloaded from https.*--data weights=FILE"
    ) as e:
        start_network(TrainingNetwork(recipe), ModelRecipe(start="torchvision"), {})
    assert "\n" not in str(e.value)


def test_torchvision_has_weights_of_each_backbone() -> None:
    from torchvision.models import get_model_weights

    for name in ("resnet18", "resnet50", "resnet101"):
        assert f"/{name}-" in get_model_weights(name)["IMAGENET1K_V1"].url
