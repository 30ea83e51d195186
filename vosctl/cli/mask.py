"""`vosctl mask`: a first mask, drawn in a page on this machine, or made of boxes.

`--json`:

    mask      path of the file
    frame     the frame that it belongs to
    objects   [id]
    next      the command to go on with
"""

import os
import shlex
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from vosctl.boxes import parse_boxes
from vosctl.cli import first_mask, options
from vosctl.cli.console import console, print_line
from vosctl.cli.json_output import json_result
from vosctl.masks.given import read_given
from vosctl.media.claims import claim_png
from vosctl.media.frame_index import FrameIndex
from vosctl.media.palette import save_palette_png
from vosctl.media.stream_address import clip_path
from vosctl.systems.choice import ModelChoice


def mask(
    name: options.ClipArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The mask, a PNG.", rich_help_panel=options.RESULTS
        ),
    ] = Path("first.png"),
    frame: Annotated[int, typer.Option("--frame", min=0, help="The frame of the clip, counted from 0.")] = 0,
    box: options.BoxOption = [],  # noqa: B006 (typer's form of a repeatable option)
    edit: Annotated[bool, typer.Option("--edit", help="With --box: correct its mask in the page.")] = False,
    existing: Annotated[
        Path | None,
        typer.Option("--mask", "-m", metavar="FILE", help="A mask to begin with.", show_default=False),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of the page.", show_default="a free one")
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the page's address, open no browser.")
    ] = False,
    stream: options.StreamOption = None,
    max_pixels: options.MaxPixelsOption = None,
    overwrite: options.OverwriteOption = False,
    model: options.ModelOption = None,
    backbone_weights: options.BackboneOption = None,
    refinement: options.RefinementOption = None,
    download: options.DownloadOption = False,
    device: options.DeviceOption = "auto",
    precision: options.PrecisionOption = options.PrecisionName.AUTO,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Make a first mask of CLIP: draw it in a page that this machine alone can see, or name boxes.

    Draw: vosctl mask clip.mp4 -o first.png

    Without a page: vosctl mask clip.mp4 --box 120,40,200,160 -o first.png
    """
    import numpy as np

    from vosctl.web.editor import Frames, MaskEditor
    from vosctl.web.server import PageServer

    clip = clip_path(name)
    first_mask.require_lasting(clip)
    claim_png(output, overwrite)
    choice = ModelChoice(model, backbone_weights, refinement, precision.value, download)
    segment = first_mask.box_segmenter(lambda: choice.load(device))
    with FrameIndex(clip, stream, max_pixels) as index:
        info, frames = index.info, Frames(index)
        picture = frames.exact(frame) if box else frames[frame]
        labels = np.zeros((info.height, info.width), np.uint8)
        if existing:
            found_mask = read_given(existing, (info.width, info.height), info.rotation, at=frame)[0]
            labels = found_mask.mask.labels
        boxes = parse_boxes(box, info.width, info.height, tuple(map(int, np.unique(labels))))
        if boxes:
            found = segment(picture, boxes)
            first_mask.require_found(found, boxes)
            labels = np.where(labels > 0, labels, found).astype(np.uint8)

        def next_command(at: int) -> str:
            given = f"{at}={output}" if at else str(output)
            return shlex.join(["vosctl", "segment", str(clip), "--mask", given])

        if boxes and not edit:
            save_palette_png(output, labels)
        else:
            editor = MaskEditor(frames, output, frame, labels, segment, next_command)
            with PageServer(port, editor.routes, editor.largest_body) as server:
                _show(server.url, no_browser, quiet)
                server.serve_forever(poll_interval=0.1)
            frame, labels = editor.frame, editor.labels
    if as_json:
        ids = [int(i) for i in np.unique(labels) if i]
        json_result.put({"mask": str(output), "frame": frame, "objects": ids, "next": next_command(frame)})
    else:
        print_line(output)
    if not quiet:
        console.print(f"next: {next_command(frame)}", markup=False)


def _show(url: str, no_browser: bool, quiet: bool) -> None:
    """Open the page where there is a screen; say where it is in any case, for a person must go there."""
    has_screen = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    if not quiet or no_browser or not has_screen:
        console.print(f"draw the mask at {url}", markup=False)
        console.print("it ends when you save; Ctrl-C ends it without", markup=False)
    if has_screen and not no_browser:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
