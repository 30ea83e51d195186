"""What the training of all systems does with the backbone: what is frozen, and who gets a gradient."""

from typing import Self

import torch
from torch import Tensor, nn

from vosctl.systems.backbone import Features, ResNet
from vosctl.systems.catalogue import system_named
from vosctl.systems.model import Model
from vosctl.training.recipe import Recipe


class BackboneTraining(nn.Module):
    """The base of the networks that `Trainer` trains, with everything between images and loss, so that
    DistributedDataParallel can wrap it.

    Args:
        recipe: decides sizes, what is frozen, and the loss.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        training = system_named(recipe.model.system).training
        assert training is not None  # a system that is not trained names no network
        self.backbone = ResNet(recipe.model.backbone, training.stages, dilated_layer4=training.dilated_layer4)
        self.set_trainable()

    def set_trainable(self) -> None:
        """Freeze what the recipe gives no learning rate; the backbone's BatchNorm keeps its statistics.

        The statistics come from millions of pictures, and what is learned from the reference frame needs
        features that do not depend on the rest of the batch.
        """
        optimizer = self.recipe.optimizer
        for name, parameter in self.backbone.named_parameters():
            rate = optimizer.layer4_rate if name.startswith("layer4.") else optimizer.backbone_rate
            parameter.requires_grad_(rate > 0)

    def train(self, mode: bool = True) -> Self:
        """Training mode for all but the backbone, see `set_trainable`."""
        super().train(mode)
        self.backbone.eval()
        return self

    def model(self) -> Model:
        """The model that tracks with these networks, not yet prepared for a device.

        Raises:
            NotImplementedError: the network is one that tracks nothing.
        """
        raise NotImplementedError

    def _autocast(self, device: torch.device) -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16")

    def _features(self, images: Tensor, train_stem: bool, stages: int = 4) -> Features:
        """(N, 3, H, W) -> its stages, with no gradient into the first two of them unless wanted."""
        backbone = self.backbone
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.set_grad_enabled(torch.is_grad_enabled() and train_stem):
            x = (images - backbone.mean) / backbone.std
            x = backbone.maxpool(torch.relu_(backbone.bn1(backbone.conv1(x))))
            layer1 = backbone.get_submodule("layer1")(x)
            layer2 = backbone.get_submodule("layer2")(layer1)
        layer3 = backbone.get_submodule("layer3")(layer2)
        if min(stages, backbone.stages) == 3:
            return Features(layer1, layer2, layer3, layer3.new_zeros(len(layer3), 0, 0, 0))
        return Features(layer1, layer2, layer3, backbone.get_submodule("layer4")(layer3))
