import pytest
import torch

from tests.small import tiny_backbone, tiny_model
from vosctl.systems.frtm.refinement import RefinementNetwork


def network() -> RefinementNetwork:
    torch.manual_seed(1)
    return RefinementNetwork((64, 128, 256, 512)).eval()


def test_it_has_the_published_number_of_parameters() -> None:
    assert sum(p.numel() for p in network().parameters()) == 1_226_129  # 1.23 M with ResNet-18


@torch.no_grad()
def test_objects_and_frames_are_independent() -> None:
    features = tiny_backbone(4).eval()(torch.rand(2, 3, 70, 101))
    scores = torch.rand(2, 3, *features.layer3.shape[-2:])
    refine = network()
    together = refine(features, scores, (70, 101))
    assert together.shape == (2, 3, 70, 101)
    second = type(features)(*(level[1:] for level in features))
    alone = refine(second, scores[1:, 2:], (70, 101))
    torch.testing.assert_close(together[1:, 2:], alone, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_prior_is_another_map_beside_the_score() -> None:
    features = tiny_backbone(4).eval()(torch.rand(1, 3, 64, 96))
    scores, prior = 100 * torch.rand(2, 1, 2, 4, 6)  # a random network hardly notices less
    torch.manual_seed(1)
    refine = RefinementNetwork((64, 128, 256, 512), prior=True).eval()
    both = refine(features, scores, (64, 96), prior)
    other = refine(features, scores, (64, 96), torch.cat([prior[:, :1], 100 - prior[:, 1:]], 1))
    torch.testing.assert_close(other[:, 0], both[:, 0])  # each object sees its own
    assert not torch.allclose(other[:, 1], both[:, 1], atol=1e-2)


@pytest.mark.parametrize("prior", [False, True])
@pytest.mark.parametrize("width", [64, 65])
def test_a_network_is_told_by_its_weights(prior: bool, width: int) -> None:
    state = RefinementNetwork((64, 128, 256, 512), prior, width).state_dict()
    found = RefinementNetwork.fitting((64, 128, 256, 512), state)
    assert (found.prior, found.width) == (prior, width)
    found.load_state_dict(state)


def test_gradients_reach_every_parameter() -> None:
    refine = network().train()
    features = tiny_backbone(4)(torch.rand(2, 3, 64, 64))
    refine(features, torch.rand(2, 1, 4, 4), (64, 64)).square().mean().backward()
    assert [name for name, p in refine.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_several_objects_in_bfloat16_as_a_model_prepares_it() -> None:
    features = tiny_backbone(4).eval()(torch.rand(1, 3, 70, 101))
    scores = torch.rand(1, 3, *features.layer3.shape[-2:])
    logits = []
    for number_type in (torch.float32, torch.bfloat16):
        torch.manual_seed(1)
        model = tiny_model(refined=True).prepare(torch.device("cpu"), number_type)
        assert model.refinement is not None
        levels = type(features)(
            *(level.to(number_type).contiguous(memory_format=torch.channels_last) for level in features)
        )
        with torch.inference_mode():
            logits.append(model.refinement(levels, scores.to(number_type), (70, 101)).float())
    plain, rounded = logits
    assert (rounded - plain).abs().mean() < 0.1 * plain.abs().mean() + 0.01
