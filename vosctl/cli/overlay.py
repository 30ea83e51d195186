"""`vosctl overlay`: a clip with its masks drawn over it.

`--json`:

    overlay   path of the video
    summary   of the run (`vosctl.job.summary.Summary`), null for masks that existed
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vosctl.cli import options, running
from vosctl.cli.console import console
from vosctl.cli.json_output import json_result
from vosctl.cli.reporting import ProgressMode
from vosctl.errors import UsageError
from vosctl.job.open_request import read_masks
from vosctl.job.request import name_of, parse_mask
from vosctl.masks.pairing import with_pictures
from vosctl.masks.positions import Part, open_part
from vosctl.masks.sources import MaskSource
from vosctl.media.claims import claimed, keep_inputs
from vosctl.media.clip import Clip
from vosctl.media.stream_address import clip_path
from vosctl.media.video_writer import check_suffix
from vosctl.systems.choice import ModelChoice

if TYPE_CHECKING:
    from vosctl.job.summary import Summary


def overlay(
    name: options.ClipArgument,
    masks: Annotated[
        Path | None,
        typer.Option(
            "--masks",
            metavar="DIR",
            help="Masks that exist, one for every frame, in any form that convert reads.",
            show_default=False,
        ),
    ] = None,
    mask: options.MaskOption = [],  # noqa: B006 (typer's form of a repeatable option)
    start: options.StartOption = None,
    end: options.EndOption = None,
    every: options.EveryOption = 1,
    first_number: options.FirstNumberOption = None,
    fps: options.FpsOption = None,
    invert: options.InvertOption = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The video.",
            show_default="CLIP_overlay.mp4 in this folder",
            rich_help_panel=options.RESULTS,
        ),
    ] = None,
    opacity: options.OpacityOption = 0.5,
    contour: options.ContourOption = True,
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
    stream: options.StreamOption = None,
    max_pixels: options.MaxPixelsOption = None,
    overwrite: options.OverwriteOption = False,
    progress: options.ProgressOption = ProgressMode.AUTO,
    verbose: options.VerboseOption = False,
    log_file: options.LogFileOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Draw masks over CLIP: masks that exist (--masks), or segment it first (--mask).

    Example: vosctl overlay clip.mp4 --masks clip_masks -o clip_overlay.mp4
    """
    if (masks is None) == (not mask):
        raise UsageError(
            "give either --masks DIR with a mask for every frame, or --mask FILE to segment first"
        )
    if masks and report:
        raise UsageError("--report is of a run, and masks that exist need none; leave it out")
    clip = clip_path(name)
    path = output or Path(f"{name_of(clip)}_overlay.mp4")
    check_suffix(path)
    keep_inputs([path], [clip, *([masks] if masks else [])])
    part = Part(start, end, every, first_number, fps)
    summary: Summary | None = None
    with (
        claimed(path, is_folder=False, overwrite=overwrite),
        open_part(clip, part, stream=stream, max_pixels=max_pixels) as source,
    ):
        if masks:
            _draw(source, masks, path, opacity, contour, quiet, not part.is_whole)
        else:
            given = read_masks(tuple(map(parse_mask, mask)), source.info, invert)
            running.say_masks(given, source.info, quiet)
            settings = running.read_settings(variant, window, max_size).for_frames(
                source.info.width, source.info.height
            )
            from vosctl.job.outputs import Outputs, OverlayStyle

            choice = ModelChoice(model, backbone_weights, refinement, precision.value, download)
            loaded = choice.load(device)
            outputs = Outputs(overlay=path, style=OverlayStyle(opacity, contour))
            summary = running.run_clip(source, given, loaded, settings, outputs, report, quiet)
    if not quiet:
        console.print(f"overlay in {path}", markup=False)
    if as_json:
        json_result.put({"overlay": str(path), "summary": summary.to_json() if summary else None})
    if summary:
        running.require_whole(summary)


def _draw(
    source: Clip, masks: Path, path: Path, opacity: float, contour: bool, quiet: bool, is_part: bool
) -> None:
    from vosctl.media.drawing import draw_overlay
    from vosctl.media.prefetch import prefetch
    from vosctl.media.video_writer import VideoWriter

    info = source.info
    frames = with_pictures(prefetch(source, depth=4), MaskSource(masks), masks, is_part)
    with (
        running.progress(info.path.name, info.frame_count_hint, quiet) as on_frame,
        VideoWriter(path, info) as video,
    ):
        for frame in frames:
            assert frame.rgb is not None
            video.write(draw_overlay(frame.rgb, frame.labels, opacity, contour), frame.time)
            on_frame()
    if video.note and not quiet:
        console.print(video.note, markup=False)
