"""From a training checkpoint to a model file with its card."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vosctl.errors import WeightsError
from vosctl.models.registry import ARCHITECTURES
from vosctl.models.weights_file import file_sha256, write_weights
from vosctl.training.checkpoint import read_checkpoint


def export_checkpoint(checkpoint: Path, destination: Path, card: Mapping[str, Any] | None = None) -> str:
    """Write the averaged weights of a checkpoint in half precision, and a card beside them.

    The card tells the recipe, the seed, the data by name, the versions and the validation scores of the run.

    Args:
        checkpoint: of a run.
        destination: of the model file, *.pt; the card is *.json.
        card: further fields, such as `summary`, `license`, `data`, `commit` and `scores`; they win.

    Returns:
        The model file's SHA-256.

    Raises:
        WeightsError: the checkpoint cannot be read.
        OutputError: the model file cannot be written.
    """
    content = read_checkpoint(checkpoint)
    backbone = content.run["backbone"]
    names = [name for name, a in ARCHITECTURES.items() if a.backbone == backbone]
    if not names:
        raise WeightsError(
            f"{checkpoint}: was trained with the backbone {backbone}, which has no architecture here"
        )
    recipe = tomllib.loads(content.recipe)
    # What was learned from; the start and the validation's data are among the run's data too.
    keys = ("data", "objects", "backgrounds")
    sources = {source[key] for source in recipe["sources"] for key in keys if key in source}
    fields = {
        "architecture": names[0],
        "summary": f"trained with vosctl train, {content.step} of {content.run['total_steps']} steps",
        "trained_steps": content.step,
        "trained_on": {name: content.run["data"][name] for name in sorted(sources)},
        "seed": content.run["seed"],
        "vosctl": content.run["version"],
        "torch": content.run["torch"],
        "validation": content.run["validation"][-1] if content.run["validation"] else None,
        "checkpoint_sha256": file_sha256(checkpoint),
        "recipe": recipe,
    }
    return write_weights(destination, names[0], content.average, {**fields, **(card or {})})
