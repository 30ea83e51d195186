"""The rows of the paper's Table 1 that need no other network: with and without S and updates."""

from dataclasses import replace
from enum import StrEnum

from vosctl.systems.settings import TrackerSettings


class Variant(StrEnum):
    """FRTM section 4.1, in the order of Table 1."""

    D_ONLY_NO_UPDATE = "d-only-no-update"
    D_ONLY = "d-only"
    NO_UPDATE = "no-update"
    OURS = "ours"

    @property
    def refine(self) -> bool:
        """The refinement network S makes the masks; without it they are the enlarged scores of D."""
        return self in (Variant.NO_UPDATE, Variant.OURS)

    @property
    def update(self) -> bool:
        """The target model D is updated while the clip runs."""
        return self in (Variant.D_ONLY, Variant.OURS)

    def apply(self, settings: TrackerSettings) -> TrackerSettings:
        """The settings, with S and updates as in this row."""
        return replace(settings, refine=self.refine, update=self.update)
