"""`vosctl segment`: a mask for every frame of a clip, or of many.

`--json` of one clip: what `--report` writes (`vosctl.job.summary.Summary`) but for its frames, and

    masks     {format: path}
    overlay   path or null

alone where the command fails before the run's end.

Of several clips, after Ctrl-C of those that have ended, which is also their `--report`:

    clips                           [{clip, output, status, error, attempts, seconds, summary}], status being
                                    one of the following, summary that of one clip or null
    done, skipped, broken, failed   how many
    frames                          masks made, of all clips
    seconds                         from the first clip's beginning to the last one's end
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vosctl.cli import completion, correction, first_mask, options, running, several
from vosctl.cli.console import console
from vosctl.cli.json_output import json_result
from vosctl.cli.reporting import ProgressMode
from vosctl.errors import UsageError
from vosctl.files import write_json
from vosctl.job.batch.engines import open_engine
from vosctl.job.batch.outcome import Outcome
from vosctl.job.open_request import OpenRequest, index_of, open_request
from vosctl.job.request import Request, default_output, parse_mask, parse_names
from vosctl.masks.formats import FORMATS, describe
from vosctl.masks.frame_names import FrameNames
from vosctl.masks.positions import Part, open_part
from vosctl.masks.tidy import Tidy, parse_ids
from vosctl.media.claims import claim_report
from vosctl.media.sink import STANDARD_OUTPUT
from vosctl.media.stream_address import clip_path
from vosctl.systems.choice import ModelChoice
from vosctl.systems.presets import preset_for

if TYPE_CHECKING:
    from vosctl.systems.model import Model


def segment(
    context: typer.Context,
    clips: Annotated[
        list[str] | None,  # a Path would lose slashes of addresses
        typer.Argument(
            metavar="CLIP...", help="Video files, folders of images, or streams.", show_default=False
        ),
    ] = None,
    mask: options.MaskOption = [],  # noqa: B006 (typer's form of a repeatable option)
    box: options.BoxOption = [],  # noqa: B006
    invert: options.InvertOption = False,
    name: options.NameOption = [],  # noqa: B006
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Folder for the masks, one palette PNG a frame; or the file or folder of the one --format, "
            "or the folder that several formats, or several clips, go into.",
            show_default="CLIP_masks in this folder",
        ),
    ] = None,
    format_names: Annotated[
        list[str],
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"May be repeated. {describe(FORMATS)}",
            show_default="palette",
            envvar="VOSCTL_FORMAT",
            autocompletion=completion.formats,
        ),
    ] = [],  # noqa: B006
    overlay: Annotated[
        Path | None,
        typer.Option(
            "--overlay",
            metavar="FILE",
            help="Also write a video with the masks drawn over it; for several clips, the folder for them.",
            show_default=False,
        ),
    ] = None,
    report: options.ReportOption = None,
    overwrite: options.OverwriteOption = False,
    model: options.ModelOption = None,
    backbone_weights: options.BackboneOption = None,
    refinement: options.RefinementOption = None,
    download: options.DownloadOption = False,
    variant: options.VariantOption = [],  # noqa: B006
    preset: options.PresetOption = None,
    device: options.DevicesOption = "auto",
    precision: options.PrecisionOption = options.PrecisionName.AUTO,
    max_size: options.MaxSizeOption = None,
    window: options.WindowOption = running.DEFAULT_WINDOW,
    debug_scores: Annotated[
        Path | None,
        typer.Option(
            "--debug-scores",
            metavar="DIR",
            help="Also write a picture a frame of what the objects' own models see: FRTM's coarse scores, or "
            "the classes of A-GAME's appearance module; and of the first frame's samples.",
            show_default=False,
            rich_help_panel=options.RESULTS,
        ),
    ] = None,
    both_ways: Annotated[
        bool,
        typer.Option(
            "--both-ways",
            help="Also run backwards from the masks: frames before an object's first mask get it too, and "
            "between two masks of an object the nearer one counts for more.",
            rich_help_panel=options.TRACKING,
        ),
    ] = False,
    stop_when_lost: Annotated[
        bool,
        typer.Option(
            "--stop-when-lost",
            help="End, with exit code 4, at the frame where an object is lost.",
            rich_help_panel=options.TRACKING,
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with what was interrupted: the same command, and this option. Finished clips are "
            "skipped.",
        ),
    ] = False,
    from_run: Annotated[
        Path | None,
        typer.Option(
            "--from-run",
            metavar="OUT",
            help="Correct the run that wrote OUT: only what depends on the new --mask is done again.",
            show_default=False,
            rich_help_panel=options.RUNS,
        ),
    ] = None,
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
    live: options.LiveOption = None,
    stream: options.StreamOption = None,
    max_pixels: options.MaxPixelsOption = None,
    masks_from: Annotated[
        Path | None,
        typer.Option(
            "--masks-from",
            metavar="DIR",
            help="The clips' masks: DIR/CLIP.png (or .json, ...), or DIR/CLIP/*.png with frames as names.",
            show_default=False,
            rich_help_panel=options.SEVERAL,
        ),
    ] = None,
    jobs: Annotated[
        Path | None,
        typer.Option(
            "--jobs",
            metavar="FILE",
            help="A list of clips, CSV or JSON, with clip, mask and perhaps output, model and max-size.",
            show_default=False,
            rich_help_panel=options.SEVERAL,
        ),
    ] = None,
    allow_outside: Annotated[
        bool,
        typer.Option(
            "--allow-outside",
            help="Let the list name paths outside its own folder.",
            rich_help_panel=options.SEVERAL,
        ),
    ] = False,
    jobs_at_once: options.JobsAtOnceOption = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="NAME",
            help="processes of this machine, or a Ray cluster: ray, ray://HOST:PORT.",
            rich_help_panel=options.SEVERAL,
            autocompletion=completion.engines,
        ),
    ] = "processes",
    progress: options.ProgressOption = ProgressMode.AUTO,
    verbose: options.VerboseOption = False,
    log_file: options.LogFileOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Segment the objects of clips that a mask shows: one mask for every frame.

    One clip: vosctl segment clip.mp4 --mask first.png --overlay out.mp4

    Several: vosctl segment clips/*.mp4 --masks-from masks -o results
    """
    choice = ModelChoice(model, backbone_weights, refinement, precision.value, download)
    request = Request(
        clip=Path(),
        masks=tuple(map(parse_mask, mask)),
        output=Path(),
        formats=tuple(format_names) or ("palette",),
        overlay=overlay,
        scores=debug_scores,
        model=choice,
        settings=running.read_settings(variant, window, max_size, preset or preset_for(choice)),
        overwrite=overwrite,
        both_ways=both_ways,
        stop_when_lost=stop_when_lost,
        resume=resume,
        live=live,
        stream=stream,
        max_pixels=max_pixels,
        invert=invert,
        names=parse_names(name),
        part=Part(start, end, every, first_number, fps),
        tidy=Tidy(
            parse_ids(only),
            tuple(merge),
            tuple(rename),
            smooth_time,
            drop_small,
            fill_holes,
            shrink,
            grow,
            feather,
        ),
    )
    given = [clip_path(clip) for clip in clips or []]
    load = cache(lambda choice: choice.load(device))  # once, for boxes and for what follows them
    if box:
        if from_run or jobs or masks_from or len(given) != 1:
            raise UsageError("--box is of one clip's first frame; for others make masks with vosctl mask")
        request = replace(
            request, masks=(*request.masks, first_mask.mask_at(given[0], box, request, load, quiet))
        )
    if from_run:
        corrected = correction.request_of(from_run, request, given, context)
        numbering = open_part(corrected.clip, corrected.part).info.numbering
        names = FrameNames(corrected.clip, numbering)
        _do(corrected, load, report, as_json, quiet, {index_of(one, names) for one in request.masks})
        return
    if not (jobs or masks_from or len(given) > 1):
        if not given:
            raise UsageError(
                "no clip given; name one with its --mask, or several with --masks-from or --jobs"
            )
        place = output or default_output(given[0], None, Path(), request.formats)
        _do(replace(request, clip=given[0], output=place), load, report, as_json, quiet)
        return
    _check_several(request, given, masks_from, jobs)
    if report:
        claim_report(report)
    failures: list[Outcome] = []
    if jobs:
        requests = several.requests_of_jobs(jobs, allow_outside, output, request)
    else:
        assert masks_from
        requests, failures = several.requests_of_clips(given, masks_from, output, request)
    found = several.run_all(requests, failures, open_engine(engine, device, jobs_at_once), quiet)
    _tell_of_all(found, report, as_json, quiet)


def _check_several(
    pattern: Request, clips: Sequence[Path], masks_from: Path | None, jobs: Path | None
) -> None:
    """Make sure that the options suit several clips.

    Raises:
        UsageError: one is of a single clip, or it is not clear which clips there are.
    """
    if pattern.masks:
        raise UsageError("--mask is of one clip; for several give --masks-from DIR or --jobs FILE")
    if pattern.scores:
        raise UsageError("--debug-scores is of one clip; segment that one alone")
    if bool(jobs) == bool(clips) or bool(jobs) == bool(masks_from):
        raise UsageError("several clips are either CLIP... with --masks-from DIR, or --jobs FILE")


def _tell_of_all(found: Mapping[str, Any], report: Path | None, as_json: bool, quiet: bool) -> None:
    """Write and say how several clips ended.

    Raises:
        ClipsFailedError: clips failed or broke off.
    """
    if report:
        write_json(report, found)
    if as_json:
        json_result.put(found)
    if not quiet:
        several.print_table(found)
    several.require_all(found)


def _do(
    request: Request,
    load: "Callable[[ModelChoice], Model]",
    report: Path | None,
    as_json: bool,
    quiet: bool,
    said: Container[int] | None = None,
) -> None:
    """Do one request; `said` are the frames whose masks are worth a line, by default all."""
    if as_json and request.output == STANDARD_OUTPUT:
        raise UsageError("--json and --output - both want standard output; use --report FILE")
    if as_json:  # also where what follows fails
        names = {form.name: str(path) for path, form in request.places().items()}
        json_result.put({"masks": names, "overlay": str(request.overlay) if request.overlay else None})
    with open_request(request) as opened:
        masks = {at: mask for at, mask in opened.masks.items() if said is None or at in said}
        running.say_masks(masks, opened.source.info, quiet)
        if done := opened.done:
            _tell_again(opened, done, report)
            if not quiet:
                console.print(
                    f"{request.output}: the run is complete, there is nothing to resume", markup=False
                )
            return
        summary = running.run_request(opened, load(opened.model_choice), report, quiet)
    if as_json:
        json_result.put(summary.to_json())
    if not quiet:
        drawn = f", overlay in {request.overlay}" if request.overlay else ""
        places = ", ".join(map(str, opened.places))
        where = "standard output" if request.output == STANDARD_OUTPUT else places
        console.print(f"masks in {where}{drawn}", markup=False)
    running.require_whole(summary, request.output)


def _tell_again(opened: OpenRequest, summary: Mapping[str, Any], report: Path | None) -> None:
    """What a complete run told when it ended."""
    json_result.put(summary)
    if report:
        claim_report(report)
        running.write_report(report, summary, opened.folder.log)
