"""`vosctl weights`: the models at hand, their state, and how others come in.

`--json` of `list`, `verify`, `fetch`, `import` and `export`:

    models                      [{name, architecture, what, file}], file is null where there is none
    whole                       [{file, sha256, has_card, architecture, content}]; a file that is not ends the
                                command with an error
    fetched                     [{backbone, file, sha256}]
    file, model, architecture   what was imported
    file, sha256                what was exported
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from vosctl.cli import options
from vosctl.cli.console import console, print_line, print_result
from vosctl.cli.json_output import json_result
from vosctl.errors import OutputError, WeightsError

app = typer.Typer(help="Models: list, verify, fetch, import, export.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: options.JsonOption = False) -> None:
    """List the models that --model can name, and the network behind --box."""
    from vosctl.systems.catalogue import systems
    from vosctl.systems.names import model_files, shipped_folder
    from vosctl.systems.weights_file import card_of

    models: dict[str, dict[str, str | None]] = {}
    for path in model_files():
        card = card_of(path)
        origin = "shipped" if path.is_relative_to(shipped_folder()) else "imported"
        found: dict[str, str | None] = {
            "name": path.stem,
            "architecture": str(card.get("architecture", "?")),
            "what": str(card.get("summary", origin)),
            "file": str(path),
        }
        models.setdefault(path.stem, found)  # of two with one name --model takes the shipped one
    for system in systems():
        if system.tracking is None:
            continue
        for one in system.architectures:
            alias = f", the paper's {one.alias}" if one.alias else ""
            what = f"{one.backbone}{alias}: {system.tracking.needs}"
            entry = {"name": one.name, "architecture": one.name, "what": what, "file": None}
            models.setdefault(one.name, entry)
    if as_json:
        json_result.put({"models": list(models.values())})
        return
    table = Table("model", "architecture", "what it is", box=None)
    table.add_column("file", overflow="fold")
    for model in models.values():
        table.add_row(*(Text(value or "-") for value in model.values()))
    print_result(table)


@app.command()
def verify(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Model files.", show_default="all")
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Check that model files are whole, what their cards say, and load."""
    from vosctl.systems.catalogue import find_architecture
    from vosctl.systems.names import model_files
    from vosctl.systems.registry import load_model
    from vosctl.systems.weights_file import card_of, read_weights
    from vosctl.systems.weights_state import show

    whole = []
    for path in files or model_files():
        weights = read_weights(path)
        has_backbone = bool(weights.part("backbone"))
        found = find_architecture(weights.architecture)
        if found is None:
            raise WeightsError(
                f"{path}: its architecture {show(weights.architecture)} is not known to this version; update "
                "vosctl, or export the file again"
            )
        system = found[0]
        if system.verify:
            system.verify(path)
        elif has_backbone:
            load_model(str(path), device="cpu", precision="fp32")
        has_card = bool(card_of(path))
        known = "as its card says" if has_card else "it has no card to compare with"
        networks = [name for part, name in system.parts.items() if weights.part(part)]
        if not (has_backbone or networks):
            raise WeightsError(f"{path}: holds no network of {system.title}; export the file again")
        content = " and ".join((["backbone"] if has_backbone else []) + networks)
        whole.append({"file": str(path), "sha256": weights.sha256, "has_card": has_card})
        whole[-1] |= {"architecture": weights.architecture, "content": content}
        if not as_json:
            print_line(
                f"{path}: whole ({weights.sha256[:12]}..., {known}): {weights.architecture}, {content}"
            )
    if as_json:
        json_result.put({"whole": whole})


@app.command()
def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BACKBONE]...", help="resnet18, resnet50, resnet101.", show_default="all"),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Fetch torchvision's ImageNet backbones once, by the hash in their names, for --download and recipes."""
    from vosctl.errors import UsageError
    from vosctl.suggestion import suggestion
    from vosctl.systems.backbone import backbone_names
    from vosctl.systems.backbone_weights import cached_file, download_backbone
    from vosctl.systems.weights_file import file_sha256

    for name in names or ():
        if name not in backbone_names():
            raise UsageError(f"{name}: no such backbone; {suggestion(name, backbone_names())}")
    fetched = []
    for name in names or backbone_names():
        path = cached_file(download_backbone(name).source)
        fetched.append({"backbone": name, "file": str(path), "sha256": file_sha256(path)})
        if not as_json:
            print_line(f"{name}: {path}")
    if as_json:
        json_result.put({"fetched": fetched})


@app.command("import")
def import_checkpoint(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of the FRTM authors, e.g. rn101_all.pth.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What --model shall call it.", show_default="the file's name")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model of this name.")] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Take over a refinement network of the FRTM authors; it needs a torchvision backbone beside it."""
    from vosctl.systems.catalogue import find_architecture
    from vosctl.systems.frtm.authors_checkpoint import read_authors_checkpoint
    from vosctl.systems.names import is_shipped, user_folder
    from vosctl.systems.presets import CARD_KEY, preset_of_backbone
    from vosctl.systems.weights_file import write_weights

    architecture, state = read_authors_checkpoint(checkpoint)
    path = user_folder() / f"{name or checkpoint.stem}.pt"
    if is_shipped(path.stem):
        raise OutputError(f"{path.stem} is the name of a shipped model; choose another --name")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists; choose another --name, or use --overwrite")
    found = find_architecture(architecture)
    assert found is not None  # the reader knows two of them
    card = {
        "summary": f"refinement network from {checkpoint.name}; the backbone is torchvision's",
        "architecture": architecture,
        CARD_KEY: preset_of_backbone(found[1].backbone).value,
    }
    write_weights(path, architecture, state, card)
    console.print(f"{checkpoint}: {architecture}, {len(state)} tensors; use it with", markup=False)
    console.print(f"  --model {path.stem} --backbone-weights FILE (or --download)", markup=False)
    if as_json:
        json_result.put({"file": str(path), "model": path.stem, "architecture": architecture})
    else:
        print_line(path)


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Argument(help="checkpoint.pt of a training run.")],
    destination: Annotated[Path, typer.Argument(help="The model file, NAME.pt; its card is NAME.json.")],
    scores: Annotated[
        Path | None,
        typer.Option(
            "--scores",
            metavar="results.json",
            help="A benchmark of this model, for its card.",
            show_default=False,
        ),
    ] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--card",
            metavar="KEY=TEXT",
            help="A line for the card: summary, data, license, ...",
            show_default=False,
        ),
    ] = None,
    blend: Annotated[
        str | None,
        typer.Option(
            "--blend",
            metavar="MODEL.pt=SHARE",
            help="Take the mean with a model that the run started from, which has this share of it.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model file that exists.")] = False,
    as_json: options.JsonOption = False,
) -> None:
    """Make a model file, in half precision and with a card, of a training checkpoint."""
    from vosctl.errors import UsageError
    from vosctl.media.claims import claim_file
    from vosctl.training.export import export_checkpoint

    if destination.suffix != ".pt":
        raise UsageError(f"{destination}: a model file ends in .pt; name it so")
    claim_file(destination, overwrite)
    card: dict[str, object] = {}
    for field in fields or []:
        key, separator, text = field.partition("=")
        if not separator:
            raise UsageError(f"--card {field}: expected KEY=TEXT")
        card[key] = text
    if scores:
        card["scores"] = _scores(scores)
    sha256 = export_checkpoint(checkpoint, destination, card, _blend(blend) if blend else None)
    console.print(f"{destination}: SHA-256 {sha256}", markup=False)
    if as_json:
        json_result.put({"file": str(destination), "sha256": sha256})


def _blend(text: str) -> tuple[Path, float]:
    """MODEL.pt=SHARE."""
    from vosctl.errors import UsageError

    path, _, share = text.rpartition("=")
    try:
        value = float(share)
    except ValueError:
        value = -1.0
    if not path or not 0 <= value <= 1:
        raise UsageError(f"--blend {text}: expected MODEL.pt=SHARE, the share from 0 to 1")
    return Path(path), value


def _scores(path: Path) -> dict[str, object]:
    """What a card says of a benchmark: J, F and their mean, in all and for each sequence, in percent."""
    from vosctl.evaluation.results import read_results, summary_of

    result = read_results(path)
    objects = {sequence.name: sequence.objects for sequence in result.sequences}
    groups = {"all": [o for some in objects.values() for o in some], **objects}
    figures = {}
    for name, some in groups.items():
        summary = summary_of(some)
        j, f = 100 * summary.j.mean, 100 * summary.f.mean
        figures[name] = {"J&F": round((j + f) / 2, 1), "J": round(j, 1), "F": round(f, 1)}
    return {"dataset": f"{result.dataset} {result.split}", **figures}
