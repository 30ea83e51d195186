"""What the rest of the program has to know of the box network; torch is imported when it is needed."""

from pathlib import Path

from vosctl.systems.spec import Architecture, SystemSpec, TrainingSpec

BOX_NETWORK = "box-rn18"
"""Its only architecture. It tracks nothing, so --model does not know the name."""


def _verify(path: Path) -> None:
    import torch

    from vosctl.systems.box.network import read_box_network

    read_box_network(torch.device("cpu"), path)


BOX_SPEC = SystemSpec(
    name="box",
    title="the box network",
    architectures=(Architecture(BOX_NETWORK, "resnet18"),),
    purpose="finds objects in boxes (vosctl mask, --box); it tracks nothing",
    parts={"box": "box decoder"},
    training=TrainingSpec(
        network="vosctl.training.box_network:BoxTrainingNetwork",
        validation="vosctl.training.box_validation:BoxValidation",
        check_recipe="vosctl.training.recipe_file:check_box",
        source_kinds=("boxes",),
        fewest_frames=1,
        stages=3,
    ),
    folder="box",
    verify=_verify,
)
