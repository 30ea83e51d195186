"""The network that a recipe trains."""

from vosctl.training.agame_network import AGAMETrainingNetwork
from vosctl.training.backbone_training import BackboneTraining
from vosctl.training.box_network import BoxTrainingNetwork
from vosctl.training.frtm_network import TrainingNetwork
from vosctl.training.recipe import Recipe


def make_network(recipe: Recipe) -> BackboneTraining:
    """FRTM, A-GAME or the box network with what belongs to its training, at its random start."""
    networks: dict[str, type[BackboneTraining]] = {
        "frtm": TrainingNetwork,
        "agame": AGAMETrainingNetwork,
        "box": BoxTrainingNetwork,
    }
    return networks[recipe.model.system](recipe)
