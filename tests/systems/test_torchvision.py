"""Our ResNets against torchvision's plain ones, and where the weights come from."""

from collections.abc import Mapping

import pytest
import torch
from torch import nn

from tests.compute.test_fused import randomised
from vosctl.compute.fused import can_pack, pack
from vosctl.errors import WeightsError
from vosctl.systems.backbone import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    BackboneSpec,
    BasicBlock,
    ResNet,
    backbone_named,
    find_backbone,
    fold_batch_norms,
    register_backbone,
)
from vosctl.systems.backbone_weights import download_backbone

torchvision = pytest.importorskip("torchvision")


def stages_of(network: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    """The outputs of the stages of torchvision's ResNet."""
    mean, std = (torch.tensor(v).view(3, 1, 1).to(images) for v in (IMAGENET_MEAN, IMAGENET_STD))
    x = network.maxpool(network.relu(network.bn1(network.conv1((images - mean) / std))))
    stages = []
    for name in ("layer1", "layer2", "layer3", "layer4"):
        x = network.get_submodule(name)(x)
        stages.append(x)
    return stages


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "dilated"),
    [("resnet18", False), ("resnet50", False), ("resnet50", True), ("resnet101", False), ("resnet101", True)],
)  # torchvision dilates no BasicBlocks; of those test_backbone compares every other cell
def test_all_forms_are_torchvisions(name: str, dilated: bool) -> None:
    options = {"replace_stride_with_dilation": [False, False, True]} if dilated else {}
    theirs = randomised(getattr(torchvision.models, name)(weights=None, **options)).double()
    ours = ResNet(name, dilated_layer4=dilated).double().eval().requires_grad_(False)
    state = {key: value for key, value in theirs.state_dict().items() if not key.startswith("fc.")}
    ours.load_state_dict(state)
    assert find_backbone(state, "torchvision").name == name
    images = torch.rand(1, 3, 40, 72, dtype=torch.float64)
    expected = stages_of(theirs, images)

    def compare(found: tuple[torch.Tensor, ...], tolerance: float) -> None:
        for ours_there, theirs_there in zip(found, expected, strict=True):
            scale = float(theirs_there.abs().max())
            torch.testing.assert_close(
                ours_there.double() / scale, theirs_there / scale, rtol=0, atol=tolerance
            )

    compare(ours(images), 1e-11)
    fold_batch_norms(ours)
    compare(ours(images), 1e-11)
    if can_pack(torch.zeros(1)):
        pack(ours.float())
        assert ours.stem is not None
        compare(ours(images.float()), 5e-5)


def test_weights_that_fit_no_backbone() -> None:
    state = dict(ResNet("resnet18", stages=3).state_dict())
    state["layer3.2.conv1.weight"] = state["layer3.1.conv1.weight"]
    with pytest.raises(WeightsError, match=r"other\.pth: fits no backbone that is known; known are resnet18"):
        find_backbone(state, "other.pth")


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet101"])
def test_weights_have_their_hash_in_their_name(name: str) -> None:
    weights = torchvision.models.get_weight(backbone_named(name).torchvision_weights)
    file = {
        "resnet18": "resnet18-f37072fd",
        "resnet50": "resnet50-0676ba61",
        "resnet101": "resnet101-63fe2227",
    }
    assert weights.url == f"https://download.pytorch.org/models/{file[name]}.pth"


def test_a_download_is_checked_and_a_failure_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Mapping[str, object]] = []

    def fetch(url: str, **options: object) -> dict[str, torch.Tensor]:
        asked.append({"url": url, **options})
        if len(asked) > 1:
            raise OSError("no route to host")
        return {"conv1.weight": torch.zeros(1)}

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fetch)
    state, source = download_backbone("resnet18")
    assert source == asked[0]["url"] == "https://download.pytorch.org/models/resnet18-f37072fd.pth"
    assert asked[0]["check_hash"] is True
    assert asked[0]["weights_only"] is True
    assert list(state) == ["conv1.weight"]
    with pytest.raises(
        WeightsError, match=r"resnet18-f37072fd\.pth: could not be fetched \(no route to host\)"
    ):
        download_backbone("resnet18")
    monkeypatch.setattr("vosctl.systems.backbone._backbones", {})
    register_backbone(BackboneSpec("tiny", BasicBlock, (1, 1, 1, 1)))
    with pytest.raises(WeightsError, match="tiny: torchvision has no weights of it"):
        download_backbone("tiny")
