"""Tests systems/frtm/refinement_fused.py too, beside what it is named after."""

import pytest
import torch

from tests.compute.test_fused import randomised
from tests.small import tiny_backbone, tiny_model
from vosctl.compute.fused import can_pack, pack
from vosctl.systems.backbone import fold_batch_norms
from vosctl.systems.frtm.matching import CUES
from vosctl.systems.frtm.refinement import RefinementNetwork
from vosctl.systems.frtm.refinement_fused import FusedRefinementNetwork

FORMS = pytest.mark.parametrize("form", [RefinementNetwork, FusedRefinementNetwork])


def network(form: type[RefinementNetwork] = FusedRefinementNetwork) -> RefinementNetwork:
    torch.manual_seed(1)
    return form((64, 128, 256, 512)).eval()


def test_it_has_the_published_number_of_parameters() -> None:
    assert sum(p.numel() for p in network().parameters()) == 1_226_129  # 1.23 M with ResNet-18


@FORMS
@torch.no_grad()
def test_objects_and_frames_are_independent(form: type[RefinementNetwork]) -> None:
    features = tiny_backbone(4).eval()(torch.rand(2, 3, 70, 101))
    scores = torch.rand(2, 3, *features.layer3.shape[-2:])
    refine = network(form)
    together = refine(features, scores, (70, 101))
    assert together.shape == (2, 3, 70, 101)
    second = type(features)(*(level[1:] for level in features))
    alone = refine(second, scores[1:, 2:], (70, 101))
    torch.testing.assert_close(together[1:, 2:], alone, rtol=1e-4, atol=1e-5)


@FORMS
@torch.no_grad()
def test_the_prior_is_another_map_beside_the_score(form: type[RefinementNetwork]) -> None:
    features = tiny_backbone(4).eval()(torch.rand(1, 3, 64, 96))
    scores, prior = 100 * torch.rand(2, 1, 2, 4, 6)  # a random network hardly notices less
    torch.manual_seed(1)
    refine = form((64, 128, 256, 512), prior=True).eval()
    both = refine(features, scores, (64, 96), prior)
    other = refine(features, scores, (64, 96), torch.cat([prior[:, :1], 100 - prior[:, 1:]], 1))
    torch.testing.assert_close(other[:, 0], both[:, 0])  # each object sees its own
    assert not torch.allclose(other[:, 1], both[:, 1], atol=1e-2)


@pytest.mark.parametrize(("prior", "matching"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("width", [64, 65])
def test_a_network_is_told_by_its_weights(prior: bool, matching: bool, width: int) -> None:
    state = RefinementNetwork((64, 128, 256, 512), prior, width, matching).state_dict()
    found = RefinementNetwork.fitting((64, 128, 256, 512), state)
    assert (found.prior, found.width, found.matching is not None) == (prior, width, matching)
    found.load_state_dict(state)


@FORMS
def test_gradients_reach_every_parameter(form: type[RefinementNetwork]) -> None:
    refine = network(form).train()
    features = tiny_backbone(4)(torch.rand(2, 3, 64, 64))
    refine(features, torch.rand(2, 1, 4, 4), (64, 64)).square().mean().backward()
    assert [name for name, p in refine.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_several_objects_in_bfloat16_as_a_model_prepares_it() -> None:
    features = tiny_backbone(4).eval()(torch.rand(1, 3, 70, 101))
    scores = torch.rand(1, 3, *features.layer3.shape[-2:])
    logits = []
    for dtype in (torch.float32, torch.bfloat16):
        torch.manual_seed(1)
        model = tiny_model(refined=True).prepare(torch.device("cpu"), dtype)
        assert model.refinement is not None
        levels = type(features)(
            *(level.to(dtype).contiguous(memory_format=torch.channels_last) for level in features)
        )
        with torch.inference_mode():
            logits.append(model.refinement(levels, scores.to(dtype), (70, 101)).float())
    plain, rounded = logits
    assert (rounded - plain).abs().mean() < 0.1 * plain.abs().mean() + 0.01


@torch.no_grad()
@pytest.mark.parametrize("width", [64, 65])
@pytest.mark.parametrize(
    ("prior", "matching", "objects"),
    [(False, False, 1), (True, False, 1), (True, False, 3), (True, True, 1), (True, True, 3)],
)
def test_what_is_computed_is_the_plain_network(prior: bool, matching: bool, objects: int, width: int) -> None:
    """In float64 the fused form is the plain one but for rounding, BatchNorms folded or not."""
    fused = randomised(FusedRefinementNetwork((64, 128, 256, 512), prior, width, matching)).double()
    plain = RefinementNetwork((64, 128, 256, 512), prior, width, matching).double().eval()
    plain.load_state_dict(fused.state_dict())
    stages = tiny_backbone(4).eval()(torch.rand(2, 3, 64, 90))
    features = type(stages)(*(stage.double() for stage in stages))
    scores, priors = torch.rand(2, 2, objects, *features.layer3.shape[-2:], dtype=torch.float64)
    cues = torch.rand(2, objects, CUES, *scores.shape[-2:], dtype=torch.float64)
    seen = (*([priors] if prior else []), *([cues] if matching else []))
    arguments = (features, scores, (64, 90), *seen)
    expected = plain(*arguments)
    torch.testing.assert_close(fused(*arguments), expected, rtol=1e-9, atol=1e-9)
    fold_batch_norms(fused)
    torch.testing.assert_close(fused(*arguments), expected, rtol=1e-9, atol=1e-9)
    if not can_pack(torch.zeros(1)):
        return
    pack(fused.float())
    found = fused(stages, scores.float(), (64, 90), *(maps.float() for maps in seen))
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)
