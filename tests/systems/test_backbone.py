import pytest
import torch

from tests.small import tiny_backbone
from vosctl.compute.fused import by_columns
from vosctl.systems.backbone import ResNet, fold_batch_norms
from vosctl.systems.packed_stem import pool


@pytest.mark.parametrize(
    ("name", "parameters"), [("resnet18", 11_176_512), ("resnet50", 23_508_032), ("resnet101", 42_500_160)]
)
def test_sizes_are_torchvisions_without_the_classifier(name: str, parameters: int) -> None:
    network = ResNet(name)
    assert sum(p.numel() for p in network.parameters()) == parameters
    names = network.state_dict()
    assert "layer1.0.bn1.running_var" in names
    assert "layer2.0.downsample.0.weight" in names
    assert "mean" not in names


def test_stages_have_their_strides() -> None:
    features = tiny_backbone(4).eval()(torch.rand(1, 3, 97, 161))
    assert [tuple(f.shape[1:]) for f in features] == [(64, 25, 41), (128, 13, 21), (256, 7, 11), (512, 4, 6)]


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_dilated_layer4_is_the_same_between_new_cells(name: str) -> None:
    """With the same weights, every other cell is what layer4 gives at stride 32."""
    plain, dilated = ResNet(name).eval(), ResNet(name, dilated_layer4=True).eval()
    dilated.load_state_dict(plain.state_dict())
    images = torch.rand(1, 3, 96, 160)
    with torch.no_grad():
        before, after = plain(images), dilated(images)
    assert after.layer4.shape == (1, plain.channels[3], 6, 10)
    assert torch.equal(before.layer3, after.layer3)
    torch.testing.assert_close(after.layer4[:, :, ::2, ::2], before.layer4, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (8, 9), (7, 16)])
def test_the_maximum_of_integers_is_that_of_numbers(dtype: torch.dtype, size: tuple[int, int]) -> None:
    x = torch.relu(torch.randn(2, 5, *size, dtype=dtype)).contiguous(memory_format=torch.channels_last)
    found = pool(x)
    assert torch.equal(found, torch.nn.functional.max_pool2d(x, 3, 2, 1))
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_maps_of_480p_may_be_pooled_by_columns() -> None:
    x = torch.rand(2, 3, 240, 427, dtype=torch.bfloat16).contiguous(memory_format=torch.channels_last)
    found = pool(x, any_layout=True)
    assert torch.equal(found, torch.nn.functional.max_pool2d(x, 3, 2, 1))
    assert by_columns(found)
    assert not by_columns(pool(x))


def test_folding_changes_nothing() -> None:
    network = tiny_backbone(4).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    images = torch.rand(4, 3, 64, 96)
    with torch.no_grad():
        network(images)  # moves the running statistics
        network.eval()
        before = network(images)
        fold_batch_norms(network)
        after = network(images)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    for a, b in zip(before, after, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
