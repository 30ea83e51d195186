"""What the rest of the program has to know of Base net; torch is imported when a function is called."""

from typing import TYPE_CHECKING

from vosctl.systems.spec import Architecture, LoadRequest, SystemSpec, TrackingSpec, TrainingSpec

if TYPE_CHECKING:
    from vosctl.compute.stopwatch import Stopwatch
    from vosctl.systems.model import Model
    from vosctl.systems.settings import TrackerSettings
    from vosctl.systems.system import System


def _load(request: LoadRequest) -> "Model":
    from vosctl.systems.base_net.model import load_base_net

    return load_base_net(request)


def _open(model: "Model", settings: "TrackerSettings", stopwatch: "Stopwatch") -> "System":
    from vosctl.systems.base_net.model import BaseNetModel
    from vosctl.systems.base_net.tracker import BaseNetSystem

    assert isinstance(model, BaseNetModel)
    return BaseNetSystem(model, settings, stopwatch)


BASE_NET_SPEC = SystemSpec(
    name="base-net",
    title="Base net",
    architectures=(
        Architecture("base-net-rn18", "resnet18"),
        Architecture("base-net-rn101", "resnet101"),
    ),
    purpose="follows objects, as a baseline that FRTM is compared with",
    parts={"base_net": "Base net"},
    tracking=TrackingSpec(
        load=_load,
        open=_open,
        needs="train it (recipes/paper/base-net-rn18.toml), or name a model file",
        ignores=frozenset(
            {
                "refine",
                "update",
                "update_interval",
                "memory_interval",
                "learning_rate",
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
        network="vosctl.training.base_net_network:BaseNetTrainingNetwork",
        validation="vosctl.training.validation:Validation",
        check_recipe="vosctl.training.recipe_file:check_base_net",
        recurrent=False,
    ),
)
