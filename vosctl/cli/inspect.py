"""`vosctl inspect`: what a clip, masks or a run are.

`--json`:

    kind   clip, masks or run
    path   of what was inspected

and of a clip: form, width, height, frames, frames_per_second, is_variable, seconds, rotation (degrees),
pixel_aspect ("4/3"), has_audio, broken (text), null being what is not known; of masks: form, width, height,
frames, objects [{id, frames, first, last, areas: [pixels, frame by frame]}], notes [text], and if they are a
run's own: confidences [0 to 1 or null, frame by frame] of each object, lost and review [{object_id, first,
last}]; of a run: what its report holds.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from vosctl.cli import options, running
from vosctl.cli.console import result_console
from vosctl.cli.json_output import json_result
from vosctl.cli.reporting import ProgressMode
from vosctl.errors import ClipError, MaskError, TruncatedClipError, UsageError
from vosctl.job.frame_log import parse_entry
from vosctl.job.review import Span
from vosctl.job.timeline import Timeline, timeline_of
from vosctl.masks.areas import AreaCounter
from vosctl.masks.contact_sheet import contact_sheet, draw_frame, spread
from vosctl.masks.formats import FORMATS, check_place
from vosctl.masks.pairing import with_pictures
from vosctl.masks.png import save_png
from vosctl.masks.positions import Part, open_part, part_of
from vosctl.masks.sources import MaskSource
from vosctl.masks.writer import ExportWriter, LabelledFrame
from vosctl.media.claims import claim_png, claimed, keep_inputs
from vosctl.media.clip import Clip, open_clip
from vosctl.media.stream_address import clip_path

_BARS = " ▁▂▃▄▅▆▇█"
_MOST_BARS, _LEAST_BARS = 40, 8
_OTHER_COLUMNS = 56  # how wide they are, with the room between columns


def inspect(
    name: Annotated[
        str,  # a Path would lose slashes of addresses
        typer.Argument(
            metavar="CLIP|MASKS|RUN",
            help="A clip, masks in any form that convert reads, what segment wrote, or its --report.",
            show_default=False,
        ),
    ],
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--contact-sheet",
            metavar="FILE.png",
            help="Also draw up to 24 frames into one picture.",
            show_default=False,
        ),
    ] = None,
    clip: Annotated[
        Path | None,
        typer.Option(
            "--clip",
            metavar="CLIP",
            help="The clip that the masks belong to, for the contact sheet.",
            show_default=False,
        ),
    ] = None,
    start: options.StartOption = None,
    end: options.EndOption = None,
    every: options.EveryOption = 1,
    first_number: options.FirstNumberOption = None,
    fps: options.FpsOption = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            metavar="FILE",
            help="Also write a row for each object of each frame, as --format csv does; or .parquet.",
            show_default=False,
        ),
    ] = None,
    stream: options.StreamOption = None,
    max_pixels: options.MaxPixelsOption = None,
    overwrite: options.OverwriteOption = False,
    progress: options.ProgressOption = ProgressMode.AUTO,
    verbose: options.VerboseOption = False,
    log_file: options.LogFileOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Say what a clip, masks or a run are: size, frames, times, objects and their areas.

    Example: vosctl inspect clip_masks --contact-sheet sheet.png --clip clip.mp4
    """
    path = clip_path(name)
    if sheet:
        claim_png(sheet, overwrite)
    report = _read_report(path)
    if report is not None:
        if sheet:
            raise UsageError(f"{path} is a report, without frames; name the masks for a contact sheet")
        _show(report, as_json)
        return
    part = Part(start, end, every, first_number, fps)
    masks, source = _open(path, partial(open_part, part=part, stream=stream, max_pixels=max_pixels))
    if masks is not None:
        with _table(table, masks, overwrite) as writer:
            found = _inspect_masks(masks, part, quiet, writer)
        if sheet:
            shown = open_clip(clip, stream=stream, max_pixels=max_pixels) if clip else nullcontext()
            _draw_masks(masks, shown, found["frames"], sheet)
    else:
        assert source is not None
        if clip:
            raise UsageError(f"{path} is a clip itself; --clip is for masks")
        if table:
            raise UsageError(f"{path} is a clip, which has no objects; --csv is for masks")
        if sheet and source.info.is_stream:
            raise ClipError(f"{path} can be read only once; draw the contact sheet of a file of it")
        found = _inspect_clip(source, quiet)
        if sheet:
            _draw_clip(source, found["frames"], sheet)
    _show(found, as_json)
    if found.get("broken"):
        raise TruncatedClipError(found["broken"])


def _read_report(path: Path) -> dict[str, Any] | None:
    """The summary of a run, if `path` is one that `--report` wrote."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return None
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # reading it as masks tells what is wrong
    is_report = isinstance(report, dict) and {"clip", "frames", "model", "version"} <= report.keys()
    return {"kind": "run", "path": str(path), **report} if is_report else None


def _open(path: Path, open_as_clip: Callable[[Path], Clip]) -> tuple[MaskSource | None, Clip | None]:
    """The masks at `path` or, if these are none, the clip."""
    try:
        return MaskSource(path), None
    except MaskError as no_masks:
        try:
            return None, open_as_clip(path)
        except ClipError as no_clip:
            is_of_masks = path.is_dir() or path.suffix.lower() in (".json", ".npz", ".npy")
            raise (no_masks if is_of_masks else no_clip) from None


@contextmanager
def _table(path: Path | None, masks: MaskSource, overwrite: bool) -> Iterator[ExportWriter | None]:
    """The writer of the table that is asked for."""
    if path is None:
        yield None
        return
    form = FORMATS["csv"]
    check_place(form, path)
    keep_inputs([path], [masks.path])
    with claimed(path, is_folder=False, overwrite=overwrite), form.open(path, masks.info) as writer:
        yield writer


def _with_confidences(frame: LabelledFrame, timeline: Timeline | None, index: int) -> LabelledFrame:
    if timeline is None:
        return frame
    known = {key: values[index] for key, values in timeline.confidences.items() if index < len(values)}
    return replace(frame, confidences={key: value for key, value in known.items() if value is not None})


def _inspect_masks(source: MaskSource, part: Part, quiet: bool, table: ExportWriter | None) -> dict[str, Any]:
    counter = AreaCounter()
    timeline = timeline_of(source.path)
    with running.progress(source.path.name, None, quiet) as on_frame:
        for frame in source if part.is_whole else part_of(lambda: source, part, source.path):
            if table:
                known = timeline if part.is_whole else None  # which counts the frames of the whole run
                table.write(_with_confidences(frame, known, counter.frames))
            counter.add(frame)
            on_frame()
    return {
        "kind": "masks",
        "path": str(source.path),
        "form": source.form,
        "width": source.width,
        "height": source.height,
        "frames": counter.frames,
        "objects": [
            {
                "id": item.object_id,
                "frames": len(item.seen),
                "first": item.seen[0],
                "last": item.seen[-1],
                "areas": list(item.areas),
                **({"confidences": timeline.confidences.get(item.object_id, [])} if timeline else {}),
            }
            for item in counter.objects()
        ],
        "notes": source.notes,
        **(timeline.to_json() if timeline else {}),
    }


def _inspect_clip(source: Clip, quiet: bool) -> dict[str, Any]:
    info = source.info
    times: list[float] = []
    frames = 0
    broken: str | None = None
    with running.progress(info.path.name, info.frame_count_hint, quiet) as on_frame:
        try:
            for frame in source:
                frames += 1
                if frame.time is not None:
                    times.append(float(frame.time))
                on_frame()
        except TruncatedClipError as error:
            broken = str(error)
    gaps = [b - a for a, b in pairwise(times)]
    return {
        "kind": "clip",
        "path": str(info.path),
        "form": "folder of images" if info.is_folder else "video",
        "width": info.width,
        "height": info.height,
        "frames": frames,
        "frames_per_second": float(info.rate) if info.rate else None,
        "is_variable": bool(gaps) and max(gaps) > 1.5 * min(gaps),
        "seconds": times[-1] - times[0] + gaps[-1] if gaps else None,
        "rotation": info.rotation,
        "pixel_aspect": str(info.pixel_aspect) if info.pixel_aspect else None,
        "has_audio": info.has_audio,
        "broken": broken,
    }


def _draw_masks(
    source: MaskSource, clip: AbstractContextManager[Clip | None], count: int, sheet: Path
) -> None:
    chosen = set(spread(count))
    with clip as opened:
        frames = with_pictures(opened, source, source.path) if opened else source
        tiles = ((frame.stem, draw_frame(frame)) for index, frame in enumerate(frames) if index in chosen)
        save_png(sheet, contact_sheet(tiles))


def _draw_clip(source: Clip, count: int, sheet: Path) -> None:
    chosen = set(spread(count))
    frames = islice(source, count)  # no further: the clip may break off there, which has been noted
    tiles = ((frame.stem, frame.rgb) for frame in frames if frame.index in chosen)
    save_png(sheet, contact_sheet(tiles))


def _show(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        json_result.put(found)
        return
    out = result_console()
    table = Table.grid(padding=(0, 2))
    for name, value in found.items():
        if name in ("lost", "review"):
            table.add_row(name, _spans(value))
        elif name != "per_frame" and (name not in ("objects", "notes") or found["kind"] == "run"):
            table.add_row(name.replace("_", " "), _text(value))
    for note in found.get("notes", []) if found["kind"] == "masks" else []:
        table.add_row("note", note)
    out.print(table)
    if found["kind"] == "masks":
        out.print(_object_table(found, out.width))
    elif found.get("per_frame"):
        timeline = Timeline(map(parse_entry, found["per_frame"]))
        out.print(_confidence_table(timeline.confidences, out.width))


def _spans(spans: list[dict[str, int]]) -> str:
    """Each object's frames."""
    by_object: dict[int, list[str]] = {}
    for span in (Span(**one) for one in spans):
        by_object.setdefault(span.object_id, []).append(span.frames)
    return "; ".join(f"object {key} in {', '.join(frames)}" for key, frames in by_object.items()) or "-"


def _text(value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _object_table(found: dict[str, Any], width: int) -> Table:
    judged = any("confidences" in item for item in found["objects"])
    table = Table("object", "frames", "first", "last", "mean area", "area over time", box=None)
    for name in ("confidence", "over time") if judged else ():
        table.add_column(name)
    count = (width - _OTHER_COLUMNS) // 2
    for item in found["objects"]:
        share = sum(item["areas"]) / item["frames"] / (found["width"] * found["height"])
        table.add_row(
            *(str(item[key]) for key in ("id", "frames", "first", "last")),
            f"{100 * share:.2f} %",
            _bars(item["areas"], max(item["areas"]), count),
            *(_confidence(item["confidences"], count) if judged else ()),
        )
    return table


def _confidence_table(confidences: dict[int, list[float | None]], width: int) -> Table:
    table = Table("object", "confidence", "over time", box=None)
    for object_id, values in confidences.items():
        table.add_row(str(object_id), *_confidence(values, width - _OTHER_COLUMNS))
    return table


def _confidence(values: list[float | None], count: int) -> tuple[str, str]:
    """The mean, and bars whose full height is 1."""
    known = [value for value in values if value is not None]
    mean = f"{sum(known) / len(known):.2f}" if known else "-"
    return mean, _bars([value or 0.0 for value in values], 1.0, count)


def _bars(values: Sequence[float], highest: float, count: int) -> str:
    """Draws at most 40 bars and about `count`, each the mean of some frames; a blank where it is 0."""
    count = min(len(values), _MOST_BARS, max(_LEAST_BARS, count))
    bounds = [len(values) * index // count for index in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(bounds)]
    return "".join(_BARS[max(1, round(mean / highest * 8)) if mean else 0] for mean in means)
