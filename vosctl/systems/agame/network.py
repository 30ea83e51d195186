"""A-GAME: the whole network but the backbone (A Generative Appearance Model for End-to-end Video Object
Segmentation, CVPR 2019, section 3 and Figure 2).

A frame passes through the mask-propagation and the appearance module, fusion makes of both a mask encoding
and a coarse mask, and upsampling makes the mask. The coarse mask updates the appearance module and is what is
propagated to the next frame: the network is recurrent in `State`, all of it small and at stride 16.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor, nn

from vosctl.compute.fused import Conv2d, conv_relu
from vosctl.errors import UsageError
from vosctl.systems.agame.appearance import AppearanceModule, Gaussians
from vosctl.systems.agame.mask_propagation import MaskPropagation
from vosctl.systems.agame.upsampling import Upsampling
from vosctl.systems.aggregation import at_least_float32
from vosctl.systems.backbone import STRIDE

LEARNING_RATE = 0.1  # lambda in eq. (4)


@dataclass(frozen=True)
class AGAMEOptions:
    """Sizes and the ablations of the paper's Table 1; in model files: they change what is learned."""

    width: int = 512
    """Dimensions of the Gaussians, channels of mask propagation and of fusion's first layer."""
    encoding: int = 128
    """Channels of the mask encoding and of the upsampling module."""
    appearance: bool = True
    """Use the appearance module."""
    mask_propagation: bool = True
    """Use the mask-propagation module."""
    unimodal: bool = False
    """One Gaussian per class, none for hard examples."""
    update: bool = True
    """Update the Gaussians after each frame."""
    softmax: bool = False
    """The appearance module gives posteriors (eq. 7) instead of log-likelihoods (eq. 8)."""
    end_to_end: bool = True
    """Gradients flow through the learning of the Gaussians (eq. 3). Changes the training alone."""

    def __post_init__(self) -> None:
        if min(self.width, self.encoding) < 1:
            raise UsageError(f"width {self.width}, encoding {self.encoding}: they must be at least 1")
        if not (self.appearance or self.mask_propagation):
            raise UsageError("A-GAME needs appearance or mask_propagation: without both it sees no object")


class State(NamedTuple):
    """What is known of O objects in each of B clips; all that passes from frame to frame."""

    reference: Tensor | None  # (B, O, W, h, w), mask propagation's share of the first frame
    gaussians: Gaussians | None
    masks: Tensor  # (B, O, h, w) in [0, 1], of the frame before

    def split(self) -> list["State"]:
        """The state of each object by itself."""
        objects = [slice(index, index + 1) for index in range(self.masks.shape[1])]
        return [
            State(
                None if self.reference is None else self.reference[:, one],
                None if self.gaussians is None else Gaussians(*(part[:, one] for part in self.gaussians)),
                self.masks[:, one],
            )
            for one in objects
        ]

    @staticmethod
    def join(states: Sequence["State"]) -> "State":
        """The state of several objects, from the states of each."""
        references = [state.reference for state in states if state.reference is not None]
        gaussians = [state.gaussians for state in states if state.gaussians is not None]
        return State(
            torch.cat(references, 1) if references else None,
            Gaussians(*(torch.cat(parts, 1) for parts in zip(*gaussians, strict=True)))
            if gaussians
            else None,
            torch.cat([state.masks for state in states], 1),
        )


class Prediction(NamedTuple):
    """What the recurrent part makes of one frame of each of B clips."""

    encoding: Tensor  # (B*O, E, h, w), what `upsampling` refines
    coarse: Tensor  # (B, O, h, w), logits, float32
    x: Tensor | None  # (B, D, h, w), the features as the appearance module sees them, for `update`
    scores: Tensor | None  # (B, O, K, h, w), log-likelihoods of the appearance module's components


class Fusion(nn.Module):
    """Two layers that make the mask encoding of both modules' outputs, and the predictor of the coarse mask.

    Args:
        scores: K, components of the appearance module; 0 without one.
        propagated: channels of the mask-propagation module; 0 without one.
        width: channels between the layers.
        encoding: E, channels of the mask encoding.
    """

    def __init__(self, scores: int, propagated: int, width: int, encoding: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(scores + propagated, width, 3, padding=1)
        self.conv2 = Conv2d(width, encoding, 3, padding=1)
        self.coarse = Conv2d(encoding, 1, 3, padding=1)

    def forward(self, parts: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Fuse.

        Args:
            parts: scaled scores (N, K, h, w) and propagated masks (N, W, h, w), those that there are.

        Returns:
            The encoding (N, E, h, w), and the logit of the coarse mask (N, 1, h, w). One logit is the
            difference of the two that a softmax over background and foreground would take.
        """
        x = torch.cat(parts, 1).contiguous(memory_format=torch.channels_last)
        encoding = conv_relu(self.conv2, conv_relu(self.conv1, x))
        return encoding, self.coarse(encoding)


class AGAME(nn.Module):
    """All modules.

    Args:
        channels: of the backbone's layer1 to layer4; the backbone's layer4 is dilated.
        options: sizes and ablations.
    """

    def __init__(self, channels: Sequence[int], options: AGAMEOptions) -> None:
        super().__init__()
        self.options = options
        deepest, width = channels[-1], options.width
        self.appearance = (
            AppearanceModule(deepest, width, unimodal=options.unimodal) if options.appearance else None
        )
        self.mask_propagation = MaskPropagation(deepest, width) if options.mask_propagation else None
        components = self.appearance.components if self.appearance else 0
        self.fusion = Fusion(components, width if options.mask_propagation else 0, width, options.encoding)
        self.upsampling = Upsampling(channels, options.encoding)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def start(self, features: Tensor, masks: Tensor) -> State:
        """Take in the first frame.

        Args:
            features: layer4 of it, (B, C, h, w).
            masks: (B, O, h, w) in [0, 1], float32, as given, averaged over the cells.
        """
        reference = self.mask_propagation.reference(features, masks) if self.mask_propagation else None
        gaussians = None
        if self.appearance:
            gaussians = self._learn(self.appearance, self.appearance.project(features), masks, None, 1.0)
        return State(reference, gaussians, masks)

    def forward(self, features: Tensor, state: State) -> Prediction:
        """The recurrent part: layer4 of the next frame, (B, C, h, w), and the state after the one before."""
        parts: list[Tensor] = []
        x = scores = None
        if self.appearance:
            assert state.gaussians is not None
            x = self.appearance.project(features)
            scores = state.gaussians.scores(x)
            shown = scores.softmax(2) if self.options.softmax else scale_scores(scores, self.options.width)
            parts.append(shown.flatten(0, 1).to(features.dtype))
        if self.mask_propagation:
            assert state.reference is not None
            parts.append(self.mask_propagation(features, state.masks, state.reference))
        encoding, coarse = self.fusion(parts)
        return Prediction(encoding, at_least_float32(coarse).view_as(state.masks), x, scores)

    def update(
        self, state: State, prediction: Prediction, masks: Tensor, rate: float = LEARNING_RATE
    ) -> State:
        """The state after a frame.

        Args:
            state: before it.
            prediction: of it.
            masks: (B, O, h, w) in [0, 1]: the coarse masks, or with several objects the aggregated ones.
            rate: lambda in eq. (4); 0 leaves the Gaussians as they are.
        """
        gaussians = state.gaussians
        if self.appearance and self.options.update and rate > 0:
            assert prediction.x is not None
            gaussians = self._learn(self.appearance, prediction.x, masks, gaussians, rate)
        return State(state.reference, gaussians, masks)

    def _learn(
        self, module: AppearanceModule, x: Tensor, masks: Tensor, previous: Gaussians | None, rate: float
    ) -> Gaussians:
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.options.end_to_end):
            return module.learn(x, masks, previous, rate)


def shrink_masks(masks: Tensor) -> Tensor:
    """The share of each cell that a mask covers: (B, O, H, W) -> (B, O, H/16, W/16)."""
    return F.avg_pool2d(masks, STRIDE)


def scale_scores(scores: Tensor, width: int) -> Tensor:
    """Bring log-likelihoods, sums over `width` dimensions, to the size of the other activations.

    What all components have in common says nothing of the class; it goes, or it would drown their differences
    in half precision.

    Args:
        scores: (B, O, K, h, w).
        width: D, of the space of the Gaussians.
    """
    return (scores - scores.mean(2, keepdim=True)) / math.sqrt(width)
