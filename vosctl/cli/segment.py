"""`vosctl segment`: a mask for every frame of a clip."""

from pathlib import Path
from typing import Annotated

import typer

from vosctl.cli import options, running
from vosctl.cli.console import console
from vosctl.exports.formats import FORMATS, describe, find_format
from vosctl.models.choice import ModelChoice
from vosctl.task import Task, open_task, parse_mask


def segment(
    clip: options.ClipArgument,
    mask: options.MaskOption = [],  # noqa: B006 (typer's form of a repeatable option)
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Folder for the masks, one palette PNG a frame; or the file or folder of the one --format, "
            "or the folder that several go into.",
            show_default="CLIP_masks in this folder",
        ),
    ] = None,
    format_names: Annotated[
        list[str],
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"May be repeated: {describe(FORMATS.values())}",
            show_default="palette",
        ),
    ] = [],  # noqa: B006
    overlay: Annotated[
        Path | None,
        typer.Option(
            "--overlay",
            metavar="FILE",
            help="Also write a video with the masks drawn over it.",
            show_default=False,
        ),
    ] = None,
    model: options.ModelOption = None,
    backbone_weights: options.BackboneOption = None,
    refinement: options.RefinementOption = None,
    download: options.DownloadOption = False,
    device: options.DeviceOption = "auto",
    precision: options.PrecisionOption = options.PrecisionName.AUTO,
    variant: options.VariantOption = [],  # noqa: B006
    max_size: options.MaxSizeOption = None,
    window: options.WindowOption = running.DEFAULT_WINDOW,
    report: options.ReportOption = None,
    overwrite: options.OverwriteOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Segment the objects of CLIP that a mask shows: one mask for every frame.

    Example: vosctl segment clip.mp4 --mask first.png --overlay out.mp4
    """
    names = tuple(format_names) or ("palette",)
    suffixes = find_format(names[0]).suffixes if len(names) == 1 else ()
    task = Task(
        clip=clip,
        masks=tuple(map(parse_mask, mask)),
        output=output or Path(f"{clip.stem}_masks{suffixes[0] if suffixes else ''}"),
        formats=names,
        overlay=overlay,
        model=ModelChoice(model, backbone_weights, refinement, precision.value, download),
        settings=running.read_settings(variant, window, max_size),
        overwrite=overwrite,
    )
    with open_task(task) as opened:
        running.say_masks(opened.masks, quiet)
        loaded = task.model.load(device)
        running.run(opened.source, opened.masks, loaded, task.settings, opened.outputs(), report, quiet)
    if not quiet:
        masks_in = ", ".join(map(str, task.places))
        console.print(f"masks in {masks_in}" + (f", overlay in {overlay}" if overlay else ""), markup=False)
