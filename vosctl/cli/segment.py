"""`vosctl segment`: a mask for every frame of a clip."""

from pathlib import Path
from typing import Annotated

import typer

from vosctl.cli import options, running
from vosctl.cli.console import console
from vosctl.exports.formats import FORMATS, describe, find_format, places
from vosctl.exports.png import make_folder


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
    from vosctl.media.clip import open_clip
    from vosctl.session import Outputs

    formats = [find_format(name) for name in format_names] or [FORMATS["palette"]]
    suffixes = formats[0].suffixes if len(formats) == 1 else ()
    place = output or Path(f"{clip.stem}_masks{suffixes[0] if suffixes else ''}")
    targets = places(formats, place)
    with open_clip(clip) as source:
        masks = running.read_masks(mask, source.info, quiet)
        settings = running.read_settings(variant, window, max_size)
        claim = running.claim_file if suffixes else running.claim_folder
        claim(place, overwrite)
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
        if len(targets) > 1:
            make_folder(place)
        folder = next((path for path, form in targets.items() if form.name == "palette"), None)
        exports = {path: form for path, form in targets.items() if path != folder}
        outputs = Outputs(folder, overlay, exports=exports)
        running.run(source, masks, loaded, settings, outputs, report, quiet)
    if not quiet:
        masks_in = ", ".join(map(str, targets))
        console.print(f"masks in {masks_in}" + (f", overlay in {overlay}" if overlay else ""), markup=False)
