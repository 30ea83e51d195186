"""`vosctl convert`: masks from one form into another.

`--json`:

    output   path of the file or folder
    format   as `--to` named it
    frames   how many
    notes    [text]: what else is to be known of them
"""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from vosctl.cli import completion, options, running
from vosctl.cli.console import console
from vosctl.cli.json_output import json_result
from vosctl.cli.reporting import ProgressMode
from vosctl.errors import ClosedPipeError, UsageError
from vosctl.job.request import parse_names
from vosctl.masks.formats import check_place, describe, find_format, names_without_probabilities
from vosctl.masks.pairing import with_pictures
from vosctl.masks.positions import Part, open_part, part_of
from vosctl.masks.sources import MaskSource
from vosctl.masks.spec import Format
from vosctl.masks.tidy import Tidier, Tidy, parse_ids
from vosctl.masks.writer import LabelledFrame
from vosctl.media.claims import claimed, keep_inputs
from vosctl.media.clip import ClipInfo
from vosctl.media.prefetch import prefetch
from vosctl.media.sink import STANDARD_OUTPUT

_FRAMES_AHEAD = 4


def convert(
    masks: Annotated[
        Path,
        typer.Argument(
            metavar="MASKS",
            help="Masks that exist: a folder of them or of folders, one per object, a label or matte video, "
            "annotations (.json, .xml, .zip), .npz or .npy.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file or, for a format of many files, the folder.",
            show_default=False,
            rich_help_panel=options.RESULTS,
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help=describe(names_without_probabilities()),
            autocompletion=completion.exact_formats,
            show_default=False,
        ),
    ],
    clip: Annotated[
        Path | None,
        typer.Option(
            "--clip",
            metavar="CLIP",
            help="The clip that the masks belong to: its pictures, times, names and sound. Formats that show "
            "pictures need it.",
            show_default=False,
        ),
    ] = None,
    name: options.NameOption = [],  # noqa: B006 (typer's form of a repeatable option)
    start: options.StartOption = None,
    end: options.EndOption = None,
    every: options.EveryOption = 1,
    first_number: options.FirstNumberOption = None,
    fps: options.FpsOption = None,
    only: options.OnlyOption = None,
    merge: options.MergeOption = [],  # noqa: B006
    rename: options.RenameOption = [],  # noqa: B006
    smooth_time: options.SmoothTimeOption = 0,
    drop_small: options.DropSmallOption = 0,
    fill_holes: options.FillHolesOption = False,
    shrink: options.ShrinkOption = 0,
    grow: options.GrowOption = 0,
    feather: options.FeatherOption = 0,
    stream: options.StreamOption = None,
    max_pixels: options.MaxPixelsOption = None,
    overwrite: options.OverwriteOption = False,
    progress: options.ProgressOption = ProgressMode.AUTO,
    verbose: options.VerboseOption = False,
    log_file: options.LogFileOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Write masks that exist in another format; object ids stay exactly as they are.

    Example: vosctl convert clip_masks -o masks.json --to coco
    """
    form, names = find_format(to), parse_names(name)
    tidy = Tidy(
        parse_ids(only),
        tuple(merge),
        tuple(rename),
        smooth_time,
        drop_small,
        fill_holes,
        shrink,
        grow,
        feather,
    )
    _check(form, clip)
    check_place(form, output)
    if as_json and output == STANDARD_OUTPUT:
        raise UsageError("--json and --output - both want standard output; leave one out")
    keep_inputs([output], [masks, *([clip] if clip else [])])
    with ExitStack() as stack:
        stack.enter_context(claimed(output, form.is_folder, overwrite))
        source = MaskSource(masks)
        info = source.info
        part = Part(start, end, every, first_number, fps)
        frames: Iterator[LabelledFrame] = iter(source)
        if clip:
            opened = stack.enter_context(open_part(clip, part, stream=stream, max_pixels=max_pixels))
            info = opened.info
            frames = with_pictures(prefetch(opened, _FRAMES_AHEAD), frames, masks, not part.is_whole)
        elif fps:
            raise UsageError("--fps is of the folder of images that --clip names; give it too")
        elif not part.is_whole:
            frames = part_of(lambda: source, part, masks)
        frames = Tidier(tidy).all(frames) if tidy != Tidy() else frames
        frames = (replace(frame, names={**frame.names, **names}) for frame in frames)
        count, note = _write(frames, form, output, info, quiet)
    notes = [*source.notes, *([note] if note else [])]
    if as_json:
        json_result.put({"output": str(output), "format": to, "frames": count, "notes": notes})
    if not quiet:
        for line in notes:
            console.print(line, markup=False)
        console.print(f"{count} frames in {output}: {form.summary}", markup=False)


def _check(form: Format, clip: Path | None) -> None:
    if form.needs_soft:
        raise UsageError(
            f"--to {form.name}: probabilities are known only while a clip is tracked; use "
            f"vosctl segment CLIP --mask FILE --format {form.name}"
        )
    if form.needs_pictures and clip is None:
        raise UsageError(f"--to {form.name} shows the pictures; say of which clip with --clip CLIP")


def _write(
    frames: Iterator[LabelledFrame], form: Format, output: Path, info: ClipInfo, quiet: bool
) -> tuple[int, str | None]:
    """The number of frames, and what to say of the result."""
    count = 0
    with (
        running.progress(output.name, info.frame_count_hint, quiet) as on_frame,
        form.open(output, info) as writer,
        suppress(ClosedPipeError),  # whoever reads a pipe may have had enough; the end is then where that was
    ):
        for frame in frames:
            writer.write(frame)
            count += 1
            on_frame()
    return count, writer.note
