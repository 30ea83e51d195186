import torch

from tests.small import tiny_backbone
from vosctl.training.normalization import insert_statistics, lacks_statistics, measure_statistics


def test_statistics_change_nothing_that_is_computed() -> None:
    backbone = tiny_backbone(4).eval()
    torch.nn.init.normal_(backbone.bn1.bias)
    images = torch.rand(2, 3, 64, 96)
    assert lacks_statistics(backbone)
    with torch.no_grad():
        before = backbone(images)
        insert_statistics(backbone.state_dict(), measure_statistics(backbone, [images, images]))
        after = backbone(images)
    assert not lacks_statistics(backbone)
    for a, b in zip(before, after, strict=True):
        assert torch.allclose(a, b, atol=1e-3 * float(a.abs().max()))


def test_the_statistics_are_those_of_the_inputs() -> None:
    backbone = tiny_backbone(4).eval()
    images = torch.rand(2, 3, 64, 96)
    mean, variance = measure_statistics(backbone, [images])["bn1"]
    with torch.no_grad():
        x = backbone.conv1((images - backbone.mean) / backbone.std)
    assert torch.allclose(mean, x.mean((0, 2, 3)), atol=1e-4)
    assert torch.allclose(variance, x.var((0, 2, 3), correction=0), rtol=1e-3)
