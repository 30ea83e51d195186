"""`vosctl weights`: the models at hand, their state, and how others come in."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from vosctl.cli.console import console

app = typer.Typer(help="Models: list, verify, import, export.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """List the models that --model can name."""
    from vosctl.models.names import ALIASES, available, shipped_folder
    from vosctl.models.registry import ARCHITECTURES
    from vosctl.models.weights_file import card_of

    table = Table("model", "architecture", "what it is", "file", box=None)
    names = set()
    for path in available():
        card = card_of(path)
        origin = "shipped" if path.parent == shipped_folder() else "imported"
        summary = str(card.get("summary", origin))
        table.add_row(path.stem, str(card.get("architecture", "?")), summary, str(path))
        names.add(path.stem)
    aliases = {target: alias for alias, target in ALIASES.items()}
    for name, architecture in ARCHITECTURES.items():
        if name not in names:
            alias = f", the paper's {aliases[name]}" if name in aliases else ""
            need = "give --backbone-weights or --download, and --refinement"
            if architecture.system == "agame":
                need = "train it, or name a model file"
            what = f"{architecture.backbone}{alias}: {need}"
            table.add_row(name, name, what, "-")
    Console(soft_wrap=True).print(table)


@app.command()
def verify(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Model files.", show_default="all")
    ] = None,
) -> None:
    """Check that model files are whole, what their cards say, and load."""
    from vosctl.models.names import available
    from vosctl.models.registry import load_model
    from vosctl.models.weights_file import card_of, read_weights

    for path in files or list(available()):
        weights = read_weights(path)
        has_backbone = bool(weights.part("backbone"))
        if has_backbone:
            load_model(str(path), device="cpu", precision="fp32")
        known = "as its card says" if card_of(path) else "it has no card to compare with"
        network = "A-GAME" if weights.part("agame") else "refinement network"
        content = f"backbone and {network}" if has_backbone else network
        typer.echo(f"{path}: whole ({weights.sha256[:12]}..., {known}): {weights.architecture}, {content}")


@app.command("import")
def import_checkpoint(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of the FRTM authors, e.g. rn101_all.pth.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What --model shall call it.", show_default="the file's")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model of this name.")] = False,
) -> None:
    """Take over a refinement network of the FRTM authors; it needs a torchvision backbone beside it."""
    from vosctl.models.authors_checkpoint import read_authors_checkpoint
    from vosctl.models.names import user_folder
    from vosctl.models.weights_file import write_weights

    architecture, state = read_authors_checkpoint(checkpoint)
    path = user_folder() / f"{name or checkpoint.stem}.pt"
    if path.exists() and not overwrite:
        from vosctl.errors import OutputError

        raise OutputError(f"{path} exists; choose another --name, or use --overwrite")
    card = {
        "summary": f"refinement network from {checkpoint.name}; the backbone is torchvision's",
        "architecture": architecture,
    }
    write_weights(path, architecture, state, card)
    console.print(f"{checkpoint}: {architecture}, {len(state)} tensors; use it with", markup=False)
    console.print(f"  --model {path.stem} --backbone-weights FILE (or --download)", markup=False)
    typer.echo(path)


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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model file that exists.")] = False,
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
    sha256 = export_checkpoint(checkpoint, destination, card)
    console.print(f"{destination}: SHA-256 {sha256}", markup=False)


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
