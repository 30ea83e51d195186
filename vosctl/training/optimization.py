"""Learning rates, weight decay and the moving average of the weights."""

import math

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer

from vosctl.training.recipe import OptimizerRecipe, Recipe


def make_optimizer(network: nn.Module, recipe: OptimizerRecipe) -> Optimizer:
    """AdamW, or Adam, with a group per learning rate; each group's `share` is what `set_rate` multiplies.

    Matrices and kernels decay, biases and normalisation do not.
    """
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        share = 1.0
        if name.startswith("backbone."):
            share = recipe.layer4_rate if name.startswith("backbone.layer4.") else recipe.backbone_rate
        decay = recipe.weight_decay if parameter.dim() > 1 else 0.0
        groups.setdefault((share, decay), []).append(parameter)
    return (AdamW if recipe.decoupled else Adam)(
        [
            {"params": parameters, "share": share, "weight_decay": decay}
            for (share, decay), parameters in groups.items()
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.999),
        fused=True,
    )


def learning_rate(step: int, total: int, recipe: OptimizerRecipe) -> float:
    """S's learning rate at a step: a linear rise, then half a cosine down to `final_rate`."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    progress = (step - recipe.warmup) / max(1, total - recipe.warmup)
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return recipe.learning_rate * (recipe.final_rate + (1 - recipe.final_rate) * fall)


def rate_at(recipe: Recipe, step: int) -> float:
    """The learning rate of a step, by its stage's rates or the run's schedule."""
    stage, index = recipe.place_of(step)
    if not stage.rates:
        return learning_rate(step, recipe.total_steps, recipe.optimizer)
    first, last = stage.rates
    return float(first * (last / first) ** (index / max(1, stage.steps - 1)))


def weight_decay_at(recipe: Recipe, step: int) -> float:
    """The weight decay of a step, by its stage or the run's."""
    own = recipe.stage_at(step).weight_decay
    return own if own >= 0 else recipe.optimizer.weight_decay


def set_rate(optimizer: Optimizer, rate: float, weight_decay: float) -> None:
    """Set the learning rate of all groups, each at its share, and the weight decay of those that decay."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]
        if group["weight_decay"] > 0:
            group["weight_decay"] = weight_decay


class MovingAverage:
    """The exponential moving average of a network's parameters and buffers.

    Args:
        network: whose values to follow.
        decay: at the start less, so that the average forgets the random start.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow the network after a step (counted from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)
