"""Tests training/backbone_training.py too, beside what it is named after."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vosctl.training.batches import Batches
from vosctl.training.frtm_network import StepPlan, TrainingNetwork, degrade_masks
from vosctl.training.recipe_file import read_recipe
from vosctl.training.sample import Batch

PLAN = StepPlan(seed=1, drift=False, ordered=False, train_stem=True, frozen_statistics=False)


@pytest.fixture
def network(whole_recipe_file: Path) -> TrainingNetwork:
    torch.manual_seed(0)
    return TrainingNetwork(read_recipe(whole_recipe_file))


@pytest.fixture
def batch(recipe_file: Path, data: dict[str, Path]) -> Batch:
    return Batches(read_recipe(recipe_file), data)[0]


def loss_of(network: TrainingNetwork, batch: Batch, plan: StepPlan) -> torch.Tensor:
    return network(batch.images.float() / 255, batch.masks, batch.present, plan)["loss"]


def test_no_gradient_flows_through_the_fit(network: TrainingNetwork, batch: Batch) -> None:
    """The reference frame enters through D's weights alone, so nothing may come back to it."""
    images = (batch.images.float() / 255).requires_grad_()
    for drift in (False, True):
        plan = StepPlan(seed=1, drift=drift, ordered=False, train_stem=True, frozen_statistics=False)
        (gradient,) = torch.autograd.grad(network(images, batch.masks, batch.present, plan)["loss"], images)
        assert not gradient[:, 0].any()
        assert (gradient[:, 1:].flatten(2).abs().sum(2) > 0).all()


def test_through_the_fit_the_reference_learns_too(whole_recipe_file: Path, batch: Batch) -> None:
    """Without S's own way to the features nothing else comes back to the reference."""
    recipe = read_recipe(whole_recipe_file)
    torch.manual_seed(0)
    network = TrainingNetwork(replace(recipe, target=replace(recipe.target, through_fit=True)))
    images = (batch.images.float() / 255).requires_grad_()
    for drift in (False, True):
        plan = StepPlan(seed=1, drift=drift, ordered=False, train_stem=True, frozen_statistics=False)
        (gradient,) = torch.autograd.grad(network(images, batch.masks, batch.present, plan)["loss"], images)
        assert torch.isfinite(gradient).all()
        assert (gradient[:, 0].flatten(1).abs().sum(1) > 0).all()


def test_features_learn_from_the_scores_too(network: TrainingNetwork, batch: Batch) -> None:
    """s = D(x; w), w constant, is differentiable in x: layer3 gets more than S sends back."""
    loss_of(network, batch, PLAN).backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())
    whole = network.backbone.get_parameter("layer3.1.conv2.weight").grad.clone()
    network.zero_grad()
    network.refinement.TSE["layer4"].reduce.requires_grad_(False)
    original = network._segment

    def without_scores(by_clip, models, *rest):  # type: ignore[no-untyped-def]
        models.w2 = torch.zeros_like(models.w2)
        return original(by_clip, models, *rest)

    network._segment = without_scores  # type: ignore[method-assign]
    loss_of(network, batch, PLAN).backward()
    assert not torch.allclose(whole, network.backbone.get_parameter("layer3.1.conv2.weight").grad)


def test_the_stem_rests_when_told(network: TrainingNetwork, batch: Batch) -> None:
    plan = StepPlan(seed=1, drift=False, ordered=False, train_stem=False, frozen_statistics=False)
    loss_of(network, batch, plan).backward()
    resting = {n for n, p in network.backbone.named_parameters() if p.grad is None}
    assert resting == {
        n
        for n, _ in network.backbone.named_parameters()
        if n.startswith(("conv1", "bn1", "layer1", "layer2"))
    }


def test_statistics_of_the_backbone_never_move(network: TrainingNetwork, batch: Batch) -> None:
    network.train()
    before = {n: b.clone() for n, b in network.named_buffers()}
    loss_of(network, batch, PLAN)
    moved = {n for n, b in network.named_buffers() if not torch.equal(b, before[n])}
    assert moved
    assert all(name.startswith("refinement.") for name in moved)
    before = {n: b.clone() for n, b in network.named_buffers()}
    loss_of(
        network, batch, StepPlan(seed=1, drift=True, ordered=False, train_stem=True, frozen_statistics=True)
    )
    assert all(torch.equal(b, before[n]) for n, b in network.named_buffers())


def test_drift_changes_the_second_frame_only_through_the_target_model(
    network: TrainingNetwork, batch: Batch
) -> None:
    network.eval()
    seen = []
    original = network._segment

    def watch(by_clip, models, priors, frames, *rest):  # type: ignore[no-untyped-def]
        seen.append((frames, models.w1.clone(), models.w2.clone()))
        return original(by_clip, models, priors, frames, *rest)

    network._segment = watch  # type: ignore[method-assign]
    loss_of(
        network, batch, StepPlan(seed=1, drift=True, ordered=False, train_stem=True, frozen_statistics=True)
    )
    assert [frames for frames, _, _ in seen] == [slice(0, 1), slice(1, 2)]
    assert torch.equal(seen[0][1], seen[1][1])
    assert not torch.equal(seen[0][2], seen[1][2])


def test_in_ordered_steps_the_prior_is_the_last_prediction(network: TrainingNetwork, batch: Batch) -> None:
    network.eval()
    seen: dict[bool, list[torch.Tensor]] = {False: [], True: []}
    original = network._segment
    for ordered, priors_seen in seen.items():

        def watch(by_clip, models, priors, frames, *rest, kept=priors_seen):  # type: ignore[no-untyped-def]
            logits = original(by_clip, models, priors, frames, *rest)
            kept += [priors[:, frames].clone(), torch.sigmoid(logits.detach())]
            return logits

        network._segment = watch  # type: ignore[method-assign]
        plan = StepPlan(seed=1, drift=True, ordered=ordered, train_stem=True, frozen_statistics=True)
        loss_of(network, batch, plan)
    assert torch.equal(seen[False][0], seen[True][0])  # the first is made from the true mask either way
    assert not torch.equal(seen[False][2], seen[True][2])
    predicted = seen[True][1][:, 0]
    expected = torch.nn.functional.interpolate(
        predicted * (predicted > 0.5), seen[True][2].shape[-2:], mode="area"
    )
    torch.testing.assert_close(seen[True][2][:, 0], expected)


def test_clips_are_in_order_where_they_are_tracked(recipe_file: Path, data: dict[str, Path]) -> None:
    recipe = read_recipe(recipe_file)
    ordered = replace(recipe, stages=(replace(recipe.stages[0], frame_gap=2),))
    plans = [StepPlan.of(ordered, step) for step in range(4)]
    assert [plan.ordered for plan in plans] == [plan.drift for plan in plans]
    assert {plan.drift for plan in plans} == {False, True}
    assert not any(StepPlan.of(recipe, step).ordered for step in range(4))
    before, after = Batches(recipe, data), Batches(ordered, data)
    for step, plan in enumerate(plans):
        assert torch.equal(before[step].images, after[step].images) == (not plan.ordered)


def test_degraded_masks_differ_a_little() -> None:
    masks = torch.zeros(40, 1, 80, 80)
    masks[:, :, 20:60, 30:50] = 1
    masks[-1] = 0
    worse = degrade_masks(masks, 0.5, seed=3)
    changed = (worse != masks).flatten(1).any(1)
    assert 10 <= int(changed.sum()) <= 30
    assert (worse - masks).abs().sum((1, 2, 3)).max() < 800
    assert set(worse.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(degrade_masks(masks, 0.0, seed=3), masks)


def test_a_plan_is_a_function_of_seed_and_step(recipe_file: Path) -> None:
    recipe = read_recipe(recipe_file)
    plans = [StepPlan.of(recipe, step) for step in range(40)]
    assert plans == [StepPlan.of(recipe, step) for step in range(40)]
    assert 8 < sum(p.drift for p in plans) < 32
    assert [p.train_stem for p in plans[:4]] == [True, False, True, False]
    assert [p.frozen_statistics for p in plans[:4]] == [False] * 2 + [True] * 2
    assert len(np.unique([p.seed for p in plans])) == 40
