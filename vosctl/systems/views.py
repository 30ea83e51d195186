"""A clip followed in several views at once, whose mean decides: mirrored, and smaller.

Each view has a system of its own, with its own random start; all learn from what they have decided together.
So what one loses by chance the others bring back. It costs as many times as much as there are views.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)
from torch import Tensor

from vosctl.systems.aggregation import at_least_float32, object_argmax
from vosctl.systems.backbone import STRIDE
from vosctl.systems.system import System


@dataclass(frozen=True)
class View:
    """How a frame is seen."""

    mirrored: bool = False
    """With left and right exchanged."""
    scale: float = 1.0
    """Its size, of which a multiple of the networks' stride is taken."""

    def size_of(self, size: Sequence[int]) -> tuple[int, ...]:
        """The size of a frame of `size`, whose sides are multiples of the stride, in this view."""
        return tuple(max(STRIDE, round(side * self.scale / STRIDE) * STRIDE) for side in size)

    def of(self, maps: Tensor) -> Tensor:
        """Frames (B, C, H, W), bytes or in [0, 1], or probabilities, as this view has them."""
        maps = maps.flip(-1) if self.mirrored else maps
        if self.scale == 1:
            return maps
        seen = maps.float() / 255 if maps.dtype == torch.uint8 else maps
        size = self.size_of(maps.shape[-2:])
        return F.interpolate(seen, size, mode="bilinear", antialias=True, align_corners=False)

    def back(self, probabilities: Tensor, size: Sequence[int]) -> Tensor:
        """Probabilities (B, O+1, h, w) of this view at the frame's own size (H, W)."""
        if self.scale != 1:
            probabilities = F.interpolate(probabilities, tuple(size), mode="bilinear", align_corners=False)
        return probabilities.flip(-1) if self.mirrored else probabilities


VIEWS = (View(), View(mirrored=True), View(scale=0.75))
"""The views that are taken, in this order."""


class SeveralViews:
    """A system of systems, one for each of the first views.

    Args:
        systems: of one model, one for each view, alike but for their seeds.
    """

    def __init__(self, systems: Sequence[System]) -> None:
        self._systems = systems
        self._views = VIEWS[: len(systems)]

    @property
    def object_ids(self) -> list[int]:
        """As `System` says."""
        return self._systems[0].object_ids

    @property
    def notes(self) -> list[str]:
        """As `System` says; what all views met is told once."""
        return list(dict.fromkeys(note for system in self._systems for note in system.notes))

    @property
    def frames_until_update(self) -> int:
        """As `System` says; the same for all views."""
        return self._systems[0].frames_until_update

    def start(self, image: Tensor, masks: Mapping[int, Tensor]) -> None:
        """As `System` says."""
        for system, view in zip(self._systems, self._views, strict=True):
            seen = {i: (view.of(mask[None, None])[0, 0] > 0.5).to(mask.dtype) for i, mask in masks.items()}
            system.start(view.of(image[None])[0], seen)

    def predict(self, images: Tensor) -> Tensor:
        """As `System` says: the mean of all views."""
        size = images.shape[-2:]
        total: Tensor | None = None
        for system, view in zip(self._systems, self._views, strict=True):
            found = view.back(system.predict(view.of(images)), size)
            total = found if total is None else total + found
        assert total is not None
        return total / len(self._systems)

    def learn(self, probabilities: Tensor, argmax: Tensor, fresh: frozenset[int] = frozenset()) -> None:
        """As `System` says: each view learns from the mean."""
        for system, view in zip(self._systems, self._views, strict=True):
            if view == View():
                system.learn(probabilities, argmax, fresh)
            else:
                seen = at_least_float32(view.of(probabilities)).contiguous()
                system.learn(seen, object_argmax(seen), fresh)

    def scores(self) -> Tensor:
        """As `System` says; those of the first view, which sees the frames as they are."""
        return self._systems[0].scores()

    def state_dict(self) -> dict[str, Any]:
        """As `System` says."""
        return {"views": [system.state_dict() for system in self._systems]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As `System` says."""
        for system, own in zip(self._systems, state["views"], strict=True):
            system.load_state_dict(own)
