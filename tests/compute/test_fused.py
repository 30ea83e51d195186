"""Tests systems/packed_stem.py too, beside what it is named after."""

import pytest
import torch
from torch import Tensor

from tests.small import tiny_backbone
from vosctl.compute.fused import (
    Conv2d,
    PackedConvolution,
    by_columns,
    can_pack,
    conv_relu,
    faster_by_columns,
    pack,
    widen,
)
from vosctl.systems.backbone import ResNet, fold_batch_norms
from vosctl.systems.frtm.refinement_fused import FusedRefinementNetwork

pytestmark = pytest.mark.skipif(
    not can_pack(torch.zeros(1)), reason="this build of PyTorch has no fused convolution for the CPU"
)


def channels_last(*shape: int) -> Tensor:
    return torch.randn(shape).contiguous(memory_format=torch.channels_last)


def randomised(network: torch.nn.Module) -> torch.nn.Module:
    """With BatchNorms that do something."""
    torch.manual_seed(3)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
            torch.nn.init.normal_(module.running_mean, std=0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.eval().requires_grad_(False)


@torch.inference_mode()
@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 1, 1), (2, 1, 1), (2, 0, 1), (1, 2, 2)])
def test_one_convolution(stride: int, padding: int, dilation: int) -> None:
    conv = Conv2d(5, 7, 3, stride, padding, dilation).requires_grad_(False)
    x = channels_last(2, 5, 13, 18)
    plain = conv(x)
    plus = channels_last(*plain.shape)
    expected = {"alone": plain, "relu": conv_relu(conv, x), "plus": conv_relu(conv, x, plus=plus.clone())}
    conv.pack()
    torch.testing.assert_close(conv(x), expected["alone"])
    torch.testing.assert_close(conv_relu(conv, x), expected["relu"])
    torch.testing.assert_close(conv_relu(conv, x, plus=plus), expected["plus"])
    assert conv.packed is not None
    other = channels_last(1, 5, 9, 30)  # packed for one size, used for another
    torch.testing.assert_close(conv.packed(other), torch.nn.Conv2d.forward(conv, other))


def columns(x: Tensor) -> Tensor:
    """The same, column by column in memory."""
    return x.mT.contiguous(memory_format=torch.channels_last).mT


@torch.inference_mode()
def test_maps_by_columns_stay_so() -> None:
    conv = PackedConvolution(torch.randn(7, 5, 3, 1), torch.randn(7), (2, 1), (1, 0), (1, 2))
    x = channels_last(2, 5, 13, 18)
    expected = conv(x, relu=True)
    found = conv(columns(x), relu=True)
    torch.testing.assert_close(found, expected)
    assert by_columns(found)
    assert not by_columns(expected)
    plus = channels_last(*expected.shape)
    torch.testing.assert_close(conv(x, columns(plus)), conv(x, plus.clone()))
    assert by_columns(conv(x, columns(plus)))  # a sum stays where it is


def test_rows_and_columns_are_exchanged_where_that_is_faster() -> None:
    assert faster_by_columns(120, 214, torch.bfloat16)  # 480p
    assert not faster_by_columns(214, 120, torch.bfloat16)
    assert not faster_by_columns(120, 224, torch.bfloat16)
    assert not faster_by_columns(180, 320, torch.bfloat16)
    assert not faster_by_columns(120, 214, torch.float32)


@torch.inference_mode()
def test_a_sum_may_come_in_any_layout() -> None:
    if not can_pack(torch.zeros(1, dtype=torch.bfloat16)):
        pytest.skip("no bfloat16 here")
    conv = Conv2d(4, 4, 3, padding=1).requires_grad_(False).to(torch.bfloat16)
    x, plus = channels_last(1, 4, 6, 7).to(torch.bfloat16), torch.randn(1, 4, 6, 7).to(torch.bfloat16)
    expected = conv_relu(conv, x, plus=plus.clone())
    conv.pack()
    torch.testing.assert_close(conv_relu(conv, x, plus=plus), expected, rtol=0.05, atol=0.05)


@torch.inference_mode()
def test_channels_of_zeros_change_nothing() -> None:
    weight, bias = torch.randn(5, 3, 3, 3), torch.randn(5)
    x = channels_last(1, 3, 8, 9)
    wide_weight, wide_bias = widen(weight, bias, 16, 8)
    wide = PackedConvolution(wide_weight, wide_bias, padding=(1, 1))(
        torch.nn.functional.pad(x, (0, 0, 0, 0, 0, 5))
    )
    torch.testing.assert_close(wide[:, :5], torch.nn.functional.conv2d(x, weight, bias, padding=1))
    assert not wide[:, 5:].any()


@torch.inference_mode()
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_the_backbone_packed_is_the_backbone(name: str) -> None:
    backbone = randomised(ResNet(name))  # type: ignore[arg-type]
    image = torch.randint(0, 256, (2, 3, 61, 75), dtype=torch.uint8)
    plain = backbone(image.float() / 255)
    fold_batch_norms(backbone)
    pack(backbone)
    for form in (image, image.float() / 255):  # bytes, and numbers in [0, 1]
        for expected, found in zip(plain, backbone(form), strict=True):
            scale = float(expected.abs().max())
            torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("width", [64, 65])
@pytest.mark.parametrize(("prior", "objects"), [(False, 1), (False, 3), (True, 1), (True, 2)])
def test_the_refinement_network_packed_is_the_network(prior: bool, objects: int, width: int) -> None:
    network = randomised(FusedRefinementNetwork((64, 128, 256, 512), prior, width))
    features = tiny_backbone(4).eval()(torch.rand(2, 3, 64, 90))
    scores, priors = torch.rand(2, 2, objects, *features.layer3.shape[-2:])
    arguments = (features, scores, (64, 90), priors) if prior else (features, scores, (64, 90))
    plain = network(*arguments)
    fold_batch_norms(network)
    pack(network)
    found = network(*arguments)
    torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-4)
    turned = type(features)(*(columns(level) for level in features))
    torch.testing.assert_close(network(turned, *arguments[1:]), plain, rtol=1e-4, atol=1e-4)
    pack(network.double())  # not for float64: plain again
    assert not any(isinstance(m, Conv2d) and m.packed for m in network.modules())


def test_training_stays_plain() -> None:
    network = FusedRefinementNetwork((64, 128, 256, 512))
    pack(network)  # its parameters want gradients
    assert not any(isinstance(m, Conv2d) and m.packed for m in network.modules())
