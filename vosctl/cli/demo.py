"""`vosctl demo`: the main job on a made-up clip, with a score.

`--json`:

    folder    of all that it wrote
    overlay   path of the video
    j         {object id: mean J, 0 to 1}
    summary   of the run (`vosctl.job.summary.Summary`)
"""

from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vosctl.cli import options, running
from vosctl.cli.console import console
from vosctl.cli.json_output import json_result
from vosctl.media.claims import claimed

if TYPE_CHECKING:
    from vosctl.job.summary import Summary
    from vosctl.systems.model import Model


def demo(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for the clip and the results.",
            rich_help_panel=options.RESULTS,
        ),
    ] = Path("vosctl_demo"),
    model: options.ModelOption = None,
    backbone_weights: options.BackboneOption = None,
    device: options.DeviceOption = "auto",
    overwrite: options.OverwriteOption = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Render a small clip with known masks, segment it, draw the result over it and score it."""
    from vosctl.systems.registry import load_model

    with claimed(output, is_folder=True, overwrite=overwrite):
        loaded = load_model(model, backbone_weights=backbone_weights, device=device)
        summary, means = _segment_and_score(output, loaded, quiet)
    overlay = output / "overlay.mp4"
    if not quiet:
        console.print(f"look at {overlay}", markup=False)
    if as_json:
        json_result.put(
            {"folder": str(output), "overlay": str(overlay), "j": means, "summary": summary.to_json()}
        )
        return
    for name, mean in means.items():
        typer.echo(f"object {name}: J {mean:.3f}")


def _segment_and_score(output: Path, model: "Model", quiet: bool) -> "tuple[Summary, dict[str, float]]":
    """Writes the clip and what comes of it; gives the run's summary, and the mean J by object id."""
    import numpy as np

    from vosctl.evaluation.metrics import region_similarity
    from vosctl.files import make_folder
    from vosctl.job.open_request import read_masks
    from vosctl.job.outputs import Outputs
    from vosctl.job.request import MaskAt
    from vosctl.masks.palette_folder import MaskWriter
    from vosctl.masks.sources import MaskSource
    from vosctl.media.clip import ClipInfo, open_clip
    from vosctl.media.demo_clip import demo_frames
    from vosctl.media.palette import save_palette_png
    from vosctl.media.video_writer import VideoWriter

    make_folder(output)
    clip, first, overlay = output / "clip.mp4", output / "first.png", output / "overlay.mp4"
    scene = list(demo_frames())
    height, width = scene[0][1].shape
    made_up = ClipInfo(clip, width, height, len(scene), Fraction(25), has_audio=False, is_folder=False)
    with VideoWriter(clip, made_up) as video:
        for rgb, _ in scene:
            video.write(rgb)
    save_palette_png(first, scene[0][1])
    with MaskWriter(output / "truth") as truth:
        for index, (_, labels) in enumerate(scene):
            truth.write(f"{index:05d}", labels)

    with open_clip(clip) as source:
        masks = read_masks([MaskAt(0, first)], source.info)
        running.say_masks(masks, source.info, quiet)
        settings = running.read_settings([], running.DEFAULT_WINDOW, None)
        outputs = Outputs(output / "masks", overlay)
        summary = running.run_clip(source, masks, model, settings, outputs, None, quiet)
    scores: dict[int, list[float]] = {object_id: [] for object_id in masks[0].object_ids}
    pairs = zip(scene, MaskSource(output / "masks"), strict=True)
    for (_, labels), found in islice(pairs, 1, None):  # the first one was given
        for object_id, values in scores.items():
            values.append(region_similarity(found.labels == object_id, labels == object_id))
    return summary, {str(object_id): float(np.mean(values)) for object_id, values in scores.items()}
