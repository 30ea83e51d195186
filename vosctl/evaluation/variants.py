"""The rows of FRTM's Table 1: two baselines, and the method with and without S and updates."""

from dataclasses import replace
from enum import StrEnum

from vosctl.systems.settings import TrackerSettings


class Variant(StrEnum):
    """FRTM section 4.1, in the order of Table 1."""

    BASE_NET = "base-net"
    FINE_TUNE = "fine-tune"
    D_ONLY_NO_UPDATE = "d-only-no-update"
    D_ONLY = "d-only"
    NO_UPDATE = "no-update"
    OURS = "ours"

    @property
    def refine(self) -> bool:
        """The refinement network S makes the masks; without it they are the enlarged scores of D."""
        return self not in (Variant.D_ONLY_NO_UPDATE, Variant.D_ONLY)

    @property
    def update(self) -> bool:
        """The target model D is updated while the clip runs."""
        return self in (Variant.D_ONLY, Variant.OURS)

    @property
    def is_baseline(self) -> bool:
        """It is another method, which the paper compares with."""
        return self in (Variant.BASE_NET, Variant.FINE_TUNE)

    def apply(self, settings: TrackerSettings) -> TrackerSettings:
        """The settings, with S and updates as in this row."""
        tunes = self is Variant.FINE_TUNE
        return replace(settings, refine=self.refine, update=self.update, fine_tune=tunes)
