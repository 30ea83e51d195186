"""What the rest of the program has to know of A-GAME; torch is imported when a function is called."""

from typing import TYPE_CHECKING

from vosctl.systems.spec import Architecture, LoadRequest, SystemSpec, TrackingSpec, TrainingSpec

if TYPE_CHECKING:
    from vosctl.compute.stopwatch import Stopwatch
    from vosctl.systems.model import Model
    from vosctl.systems.settings import TrackerSettings
    from vosctl.systems.system import System


def _load(request: LoadRequest) -> "Model":
    from vosctl.systems.agame.loading import load_agame

    return load_agame(request)


def _open(model: "Model", settings: "TrackerSettings", stopwatch: "Stopwatch") -> "System":
    from vosctl.systems.agame.model import AGAMEModel
    from vosctl.systems.agame.tracker import AGAMESystem

    assert isinstance(model, AGAMEModel)
    return AGAMESystem(model, settings, stopwatch)


def _count_operations(
    model: "Model", settings: "TrackerSettings", size: tuple[int, int], objects: int
) -> dict[str, float]:
    from vosctl.systems.agame.model import AGAMEModel
    from vosctl.systems.agame.operations import count_operations

    assert isinstance(model, AGAMEModel)
    return count_operations(model, size, objects)


AGAME_SPEC = SystemSpec(
    name="agame",
    title="A-GAME",
    architectures=(
        Architecture("agame-rn18", "resnet18"),
        Architecture("agame-rn101", "resnet101"),
    ),
    purpose="follows objects",
    parts={"agame": "A-GAME"},
    tracking=TrackingSpec(
        load=_load,
        open=_open,
        needs="train it, or name a model file",
        count_operations=_count_operations,
        ignores=frozenset(
            {
                "update_interval",
                "memory_interval",
                "nearby",
                "initial_samples",
                "initial_steps",
                "refit",
                "update_steps",
                "memory_size",
                "fine_tune",
                "prior",
                "window",
                "seed",
            }
        ),
    ),
    training=TrainingSpec(
        network="vosctl.training.agame_network:AGAMETrainingNetwork",
        validation="vosctl.training.validation:Validation",
        check_recipe="vosctl.training.recipe_file:check_agame",
        options="agame",
        dilated_layer4=True,
    ),
)
