"""The systems that there are, by name; without torch.

Those of this package are known from the start. `register` adds another one, for the process that calls it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from vosctl.errors import WeightsError
from vosctl.systems.agame.spec import AGAME_SPEC
from vosctl.systems.base_net.spec import BASE_NET_SPEC
from vosctl.systems.box.spec import BOX_SPEC
from vosctl.systems.frtm.spec import FRTM_SPEC
from vosctl.systems.spec import Architecture, SystemSpec

if TYPE_CHECKING:
    from vosctl.compute.stopwatch import Stopwatch
    from vosctl.systems.model import Model
    from vosctl.systems.settings import TrackerSettings
    from vosctl.systems.system import System

_BETWEEN_VIEWS = 1000  # seeds are counted up for objects, of which there are fewer

_systems = {spec.name: spec for spec in (FRTM_SPEC, AGAME_SPEC, BASE_NET_SPEC, BOX_SPEC)}


def register(spec: SystemSpec) -> None:
    """Add a system, or put another description in the place of the one that has its name."""
    _systems[spec.name] = spec


def systems() -> Iterator[SystemSpec]:
    """All systems, those of this package first."""
    yield from _systems.values()


def system_named(name: str) -> SystemSpec:
    """The system of a name.

    Raises:
        WeightsError: there is none.
    """
    if name not in _systems:
        raise WeightsError(f"there is no system {name}; known are {', '.join(_systems)}")
    return _systems[name]


def find_architecture(name: str) -> tuple[SystemSpec, Architecture] | None:
    """The architecture of a name and its system, None where there is none."""
    for spec in systems():
        for architecture in spec.architectures:
            if architecture.name == name:
                return spec, architecture
    return None


def tracking_architectures() -> Iterator[Architecture]:
    """The architectures that --model can name."""
    for spec in systems():
        if spec.tracking is not None:
            yield from spec.architectures


def architecture_name(system: str, backbone: str) -> str:
    """The architecture of a system with a backbone.

    Raises:
        WeightsError: there is none.
    """
    spec = system_named(system)
    for architecture in spec.architectures:
        if architecture.backbone == backbone:
            return architecture.name
    known = ", ".join(architecture.name for architecture in spec.architectures)
    raise WeightsError(f"there is no architecture of {system} with {backbone}; known are {known}")


def open_system(
    model: "Model", settings: "TrackerSettings", stopwatch: "Stopwatch | None" = None
) -> "System":
    """The system that a model is for, with no objects yet; the stopwatch times its stages."""
    from vosctl.compute.stopwatch import Stopwatch

    tracking = system_named(model.system).tracking
    assert tracking is not None  # a system that follows nothing makes no models
    watch = stopwatch or Stopwatch()
    if settings.views == 1:
        return tracking.open(model, settings, watch)
    from vosctl.systems.views import SeveralViews

    seeds = [settings.seed + _BETWEEN_VIEWS * view for view in range(settings.views)]
    return SeveralViews([tracking.open(model, replace(settings, seed=seed), watch) for seed in seeds])
