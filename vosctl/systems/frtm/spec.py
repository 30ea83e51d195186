"""What the rest of the program has to know of FRTM; torch is imported when a function is called."""

from typing import TYPE_CHECKING

from vosctl.systems.spec import Architecture, LoadRequest, SystemSpec, TrackingSpec, TrainingSpec

if TYPE_CHECKING:
    from vosctl.compute.stopwatch import Stopwatch
    from vosctl.systems.model import Model
    from vosctl.systems.settings import TrackerSettings
    from vosctl.systems.system import System


def _load(request: LoadRequest) -> "Model":
    from vosctl.systems.frtm.loading import load_frtm

    return load_frtm(request)


def _open(model: "Model", settings: "TrackerSettings", stopwatch: "Stopwatch") -> "System":
    from vosctl.systems.frtm.fine_tuning import FineTuned
    from vosctl.systems.frtm.model import FRTMModel
    from vosctl.systems.frtm.tracker import FRTM

    assert isinstance(model, FRTMModel)
    return FineTuned(model, settings, stopwatch) if settings.fine_tune else FRTM(model, settings, stopwatch)


def _count_operations(
    model: "Model", settings: "TrackerSettings", size: tuple[int, int], objects: int
) -> dict[str, float]:
    from vosctl.systems.frtm.model import FRTMModel
    from vosctl.systems.frtm.operations import count_operations

    assert isinstance(model, FRTMModel)
    return count_operations(model, settings, size, objects)


FRTM_SPEC = SystemSpec(
    name="frtm",
    title="FRTM",
    architectures=(
        Architecture("frtm-rn18", "resnet18", alias="ours-fast"),
        Architecture("frtm-rn50", "resnet50"),
        Architecture("frtm-rn101", "resnet101", alias="ours"),
    ),
    purpose="follows objects",
    parts={"refinement": "refinement network"},
    tracking=TrackingSpec(
        load=_load,
        open=_open,
        needs="give --backbone-weights or --download, and --refinement",
        count_operations=_count_operations,
        d_only=True,
    ),
    training=TrainingSpec(
        network="vosctl.training.frtm_network:TrainingNetwork",
        validation="vosctl.training.validation:Validation",
        check_recipe="vosctl.training.recipe_file:check_frtm",
        recurrent=False,
    ),
)
