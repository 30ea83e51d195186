"""Makes a model file with its card of a training checkpoint."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vosctl.systems.catalogue import architecture_name
from vosctl.systems.weights_file import file_sha256, write_weights
from vosctl.training.checkpoint import read_checkpoint
from vosctl.training.networks import make_network
from vosctl.training.recipe import Recipe
from vosctl.training.start import load_start
from vosctl.training.typed_table import read_table


def export_checkpoint(
    checkpoint: Path,
    destination: Path,
    card: Mapping[str, Any] | None = None,
    blend: tuple[Path, float] | None = None,
) -> str:
    """Write the averaged weights of a checkpoint in half precision, and a card beside them.

    The card tells the recipe, the seed, the data by name, the versions and the validation scores of the run.

    Args:
        checkpoint: of a run.
        destination: of the model file, *.pt; the card is *.json.
        card: further fields, such as `summary`, `license`, `data`, `commit` and `scores`; they win.
        blend: a model file, fitted to the run's networks as at a start, and its share, in [0, 1], of the mean
            with the checkpoint's weights. Between a model and what further training makes of it the mean is
            often better than either (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).

    Returns:
        The model file's SHA-256.

    Raises:
        WeightsError: a file cannot be read, or there is no architecture like it.
        UsageError: the file to blend with does not fit.
        OutputError: the model file cannot be written.
    """
    content = read_checkpoint(checkpoint)
    # Checkpoints from before there was A-GAME do not say of which system they are.
    architecture = architecture_name(content.run.get("system", "frtm"), content.run["backbone"])
    options = content.run.get("options", {})
    recipe = tomllib.loads(content.recipe)
    for stage in recipe.get("stages", ()):
        if "step" in stage:  # the name before it was `frame_gap`; nobody can edit a checkpoint
            stage["frame_gap"] = stage.pop("step")
    # What was learned from; the start and the validation's data are among the run's data too.
    keys = ("data", "objects", "backgrounds")
    sources = {source[key] for source in recipe["sources"] for key in keys if key in source}
    fields = {
        "architecture": architecture,
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
    state = content.average
    if blend is not None:
        path, share = blend
        network = make_network(read_table(Recipe, recipe, str(checkpoint)))
        load_start(network, path)
        other = network.state_dict()
        state = {k: v.lerp(other[k], share) if v.is_floating_point() else v for k, v in state.items()}
        fields["blended_with"] = {"sha256": file_sha256(path), "share": share}
        fields["validation"] = None  # that was of the run's own weights
    return write_weights(destination, architecture, state, {**fields, **(card or {})}, options)
