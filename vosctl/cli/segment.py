"""`vosctl segment`: a mask for every frame of a clip."""

from pathlib import Path
from typing import Annotated

import typer

from vosctl.cli import options, running
from vosctl.cli.console import console


def segment(
    clip: options.ClipArgument,
    mask: options.MaskOption = [],  # noqa: B006 (typer's form of a repeatable option)
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for the masks, one palette PNG a frame.",
            show_default="CLIP_masks in this folder",
        ),
    ] = None,
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
    from vosctl.media.clip import open_clip
    from vosctl.session import Outputs

    folder = output or Path(f"{clip.stem}_masks")
    with open_clip(clip) as source:
        masks = running.read_masks(mask, source.info, quiet)
        settings = running.read_settings(variant, window, max_size)
        running.claim_folder(folder, overwrite)
        if overlay:
            running.claim_file(overlay, overwrite)
        from vosctl.models.registry import load_model

        loaded = load_model(
            model,
            backbone_weights=backbone_weights,
            refinement=refinement,
            device=device,
            precision=precision.value,
            download=download,
        )
        running.run(source, masks, loaded, settings, Outputs(folder, overlay), report, quiet)
    if not quiet:
        console.print(f"masks in {folder}" + (f", overlay in {overlay}" if overlay else ""), markup=False)
