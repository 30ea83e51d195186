"""What the tracker asks of a system, such as FRTM or A-GAME."""

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor


class System(Protocol):
    """Follows the objects of one clip; `start`, then `predict` and `learn` in turn."""

    @property
    def object_ids(self) -> list[int]:
        """The ids of the objects so far, in the order of all O dimensions."""
        ...

    @property
    def notes(self) -> list[str]:
        """Things that went otherwise than expected, for the run's summary."""
        ...

    @property
    def frames_until_update(self) -> int:
        """How many frames `predict` may take before the next `learn`; 1 for a system that is recurrent."""
        ...

    def start(self, image: Tensor, masks: Mapping[int, Tensor]) -> None:
        """Take in new objects, or corrections of objects that already run.

        Args:
            image: (3, H, W), RGB in [0, 1].
            masks: (H, W) of 0 and 1 per object id.
        """
        ...

    def predict(self, images: Tensor) -> Tensor:
        """Segment frames.

        Args:
            images: (B, 3, H, W), RGB, uint8 or in [0, 1], B up to `frames_until_update`.

        Returns:
            (B, O+1, H, W) float32 probabilities, background first.
        """
        ...

    def learn(self, probabilities: Tensor, argmax: Tensor, fresh: frozenset[int] = frozenset()) -> None:
        """Take in what became of the frames predicted last.

        Args:
            probabilities: (B, O+1, H, W) of those frames, corrected where a person has given masks.
            argmax: (B, H, W), the highest of them at each pixel.
            fresh: objects that `start` has just learned from the same frame.
        """
        ...

    def scores(self) -> Tensor:
        """How the objects' own models see the frames predicted last; to be asked for before `learn`.

        Returns:
            (B, O, K, h, w) at stride 16, covering the frames from their upper left corner: with K = 1 coarse
            scores, else log-likelihoods of A-GAME's classes.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that later frames depend on: tensors, as they lie on the device, and plain data.

        What later frames bring must not change these tensors in place.
        """
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same model and settings."""
        ...
