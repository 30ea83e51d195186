"""The network that a recipe trains."""

from vosctl.training.agame_network import AGAMETrainingNetwork
from vosctl.training.backbone_training import BackboneTraining
from vosctl.training.network import TrainingNetwork
from vosctl.training.recipe import Recipe


def make_network(recipe: Recipe) -> BackboneTraining:
    """FRTM or A-GAME with what belongs to its training, at its random start."""
    return AGAMETrainingNetwork(recipe) if recipe.model.system == "agame" else TrainingNetwork(recipe)
