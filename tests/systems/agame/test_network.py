"""Tests systems/agame/mask_propagation.py and systems/agame/upsampling.py too, beside what it is named
after."""

import pytest
import torch
from torch import Tensor

from vosctl.errors import UsageError
from vosctl.systems.agame.network import AGAME, AGAMEOptions, State, shrink_masks
from vosctl.systems.backbone import Features

CHANNELS = (4, 5, 6, 7)


def network(**options: bool) -> AGAME:
    torch.manual_seed(0)
    return AGAME(CHANNELS, AGAMEOptions(width=6, encoding=4, **options))


def features(frames: int = 1, seed: int = 0) -> Features:
    """Of 64x96 images."""
    generator = torch.Generator().manual_seed(seed)
    sizes = ((16, 24), (8, 12), (4, 6), (4, 6))
    return Features(
        *(torch.randn(frames, c, *s, generator=generator) for c, s in zip(CHANNELS, sizes, strict=True))
    )


def masks(objects: int = 2) -> Tensor:
    full = torch.zeros(1, objects, 64, 96)
    for index in range(objects):
        full[:, index, 10 + index : 40, 40 * index : 40 * index + 30] = 1
    return shrink_masks(full)


def two_frames(net: AGAME, given: Tensor) -> tuple[Tensor, Tensor]:
    """Coarse masks and masks of the second frame after the given one."""
    state = net.start(features(seed=1).layer4, given)
    prediction = net(features(seed=2).layer4, state)
    state = net.update(state, prediction, torch.sigmoid(prediction.coarse))
    later = features(seed=3)
    prediction = net(later.layer4, state)
    return prediction.coarse, net.upsampling(prediction.encoding, later, (64, 96))


def test_objects_do_not_know_of_each_other() -> None:
    net, given = network(), masks()
    coarse, logits = two_frames(net, given)
    assert coarse.shape == (1, 2, 4, 6)
    assert logits.shape == (1, 2, 64, 96)
    for index in range(2):
        alone = two_frames(net, given[:, index : index + 1])
        torch.testing.assert_close(alone[0][:, 0], coarse[:, index], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(alone[1][:, 0], logits[:, index], rtol=1e-4, atol=1e-5)


def test_a_state_can_be_taken_apart_and_put_together() -> None:
    for options in ({}, {"appearance": False}, {"mask_propagation": False}):
        state = network(**options).start(features().layer4, masks())
        parts = state.split()
        assert len(parts) == 2
        joined = State.join(parts)
        assert torch.equal(joined.masks, state.masks)
        assert (joined.reference is None) == (state.reference is None) == ("mask_propagation" in options)
        if state.gaussians is not None and joined.gaussians is not None:
            assert torch.equal(joined.gaussians.mean, state.gaussians.mean)


def gradients(**options: bool) -> set[str]:
    """Names of the parameters that the coarse mask of the first predicted frame reaches."""
    net = network(**options)
    state = net.start(features(seed=1).layer4, masks())
    net(features(seed=2).layer4, state).coarse.square().sum().backward()
    return {name for name, p in net.named_parameters() if p.grad is not None and p.grad.any()}


def test_learning_of_the_gaussians_is_part_of_the_network() -> None:
    assert "appearance.regulariser" in gradients()
    assert "appearance.regulariser" not in gradients(end_to_end=False)
    assert "appearance.reduce.weight" in gradients(end_to_end=False)  # through inference alone


def test_ablations_leave_modules_out() -> None:
    assert network(appearance=False).fusion.conv1.in_channels == 6
    assert network(mask_propagation=False).fusion.conv1.in_channels == 4
    assert network(unimodal=True).fusion.conv1.in_channels == 2 + 6
    net = network(softmax=True)
    seen = []
    net.fusion.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][0]))
    two_frames(net, masks())
    torch.testing.assert_close(seen[0].sum(1), torch.ones(2, 4, 6))
    for options in ({"appearance": False}, {"mask_propagation": False}, {"unimodal": True}):
        assert two_frames(network(**options), masks())[1].isfinite().all()
    with pytest.raises(UsageError, match="sees no object"):
        AGAMEOptions(appearance=False, mask_propagation=False)


def test_without_update_the_gaussians_stay() -> None:
    for net, rate in ((network(update=False), 0.1), (network(), 0.0)):
        state = net.start(features(seed=1).layer4, masks())
        prediction = net(features(seed=2).layer4, state)
        later = net.update(state, prediction, torch.sigmoid(prediction.coarse), rate)
        assert later.gaussians is state.gaussians
        assert not torch.equal(later.masks, state.masks)
    net = network()
    state = net.start(features(seed=1).layer4, masks())
    prediction = net(features(seed=2).layer4, state)
    later = net.update(state, prediction, torch.sigmoid(prediction.coarse))
    assert not torch.equal(later.gaussians.mean, state.gaussians.mean)
