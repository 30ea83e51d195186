"""What commands that run the tracker have in common: reading their options, the bar, the summary."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from rich.table import Table

from vosctl.cli.console import console, progress_bar
from vosctl.cli.reporting import ProgressLines, ProgressMode, reporting
from vosctl.errors import InterruptedRunError, ObjectLostError, TruncatedClipError, UsageError
from vosctl.files import atomic_path, json_text
from vosctl.job.frame_log import LogPlace, read_frame_log
from vosctl.masks.reading import Mask
from vosctl.media.claims import claim_report
from vosctl.media.clip import Clip, ClipInfo
from vosctl.systems.presets import Preset

if TYPE_CHECKING:
    from vosctl.job.open_request import OpenRequest
    from vosctl.job.outputs import Outputs
    from vosctl.job.pipeline import OnFrame
    from vosctl.job.review import Span
    from vosctl.job.summary import Summary
    from vosctl.systems.model import Model
    from vosctl.systems.settings import TrackerSettings

_VARIANTS = ("d-only", "no-update")
DEFAULT_WINDOW = "8"
_SPANS_SHOWN = 6


def say_masks(masks: Mapping[int, Mask], info: ClipInfo, quiet: bool) -> None:
    """How each mask was understood."""
    if quiet:
        return
    for frame, mask in masks.items():
        start = f", from frame {frame} on" if frame else ""
        console.print(f"{mask}{start}", markup=False)
        hint = info.frame_count_hint
        if hint and frame >= hint:  # only decoding all of it would tell
            console.print(
                f"{info.path} seems to have {hint} frames, counted from 0: is {frame} right?", markup=False
            )


def read_settings(
    variants: Sequence[str],
    window: str,
    max_size: int | None,
    preset: Preset = Preset.DEFAULT,
) -> "TrackerSettings":
    """The tracker's settings from the options of the command line.

    Raises:
        UsageError: an option has a value that it cannot have.
    """
    for variant in variants:
        if variant not in _VARIANTS:
            raise UsageError(f"--variant {variant}: not known; use {' or '.join(_VARIANTS)}")
    if window != "low-latency" and not (window.isdecimal() and len(window) < 9 and int(window)):
        raise UsageError(f"--window {window}: expected a number of frames, or low-latency")
    return replace(
        preset.settings,
        refine="d-only" not in variants,
        update="no-update" not in variants,
        window=1 if window == "low-latency" else int(window),
        max_size=max_size,
    )


@contextmanager
def progress(label: str, total: int | None, quiet: bool) -> Iterator[Callable[..., None]]:
    """A bar on standard error, or lines where there is no terminal; gives what to call after each frame."""
    lines = ProgressLines(label, total, quiet)
    draws = reporting.mode is ProgressMode.AUTO
    with progress_bar("{task.fields[speed]}", quiet, draws=draws) as bar:
        task = bar.add_task(label, total=total, speed="")

        def on_frame(*_: object) -> None:
            bar.advance(task)
            lines.advance()
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, speed=f"{speed:.1f} frames/s" if speed else "")

        yield on_frame
    lines.end()


def print_summary(summary: "Summary") -> None:
    """The summary for people, on standard error."""
    table = Table.grid(padding=(0, 2))
    network = (
        "" if summary.network_size == summary.size else " (networks saw {}x{})".format(*summary.network_size)
    )
    kept = f", {summary.kept} of them kept from before" if summary.kept else ""
    form = "" if summary.refined else ", coarse scores only (D-only): no refinement network in use"
    rows = {
        "frames": f"{summary.frames}, {summary.size[0]}x{summary.size[1]}{network}{kept}",
        "objects": ", ".join(map(str, summary.objects)),
        "model": f"{summary.model}{form}",
        "device": f"{summary.device}, {summary.precision}"
        + (f" ({summary.precision_reason})" if summary.precision_reason else ""),
        "first mask": f"after {summary.seconds_to_first_mask:.2f} s",
        "speed": f"{summary.model_frames_per_second:.1f} frames/s computing, "
        f"{summary.frames_per_second:.1f} frames/s from file to file",
        "peak memory": f"{summary.peak_memory_mb:.0f} MB"
        + (
            f", {summary.peak_device_memory_mb:.0f} MB on the device" if summary.peak_device_memory_mb else ""
        ),
    }
    if summary.mean_latency is not None and summary.latency_95 is not None:
        rows["latency"] = (
            f"{1000 * summary.mean_latency:.0f} ms on average, 95 % within {1000 * summary.latency_95:.0f} ms"
        )
    if summary.dropped:
        rows["dropped"] = f"{summary.dropped} frames, which came faster than they could be tracked"
    for name, value in rows.items():
        table.add_row(name, value)
    for name, spans in (("lost", summary.lost), ("review", summary.review)):
        if spans:
            table.add_row(name, _spans(spans))
    for note in summary.notes:
        table.add_row("note", note)
    console.print(table, markup=False)


def _spans(spans: Sequence["Span"]) -> str:
    """The first few spans as text, grouped by object, and how many more there are."""
    shown: dict[int, list[str]] = {}
    for span in spans[:_SPANS_SHOWN]:
        shown.setdefault(span.object_id, []).append(span.frames)
    text = "; ".join(f"object {object_id} in {', '.join(frames)}" for object_id, frames in shown.items())
    more = len(spans) - _SPANS_SHOWN
    return f"frames of {text}" + (f", and {more} more" if more > 0 else "")


def write_report(path: Path, summary: Mapping[str, Any], log: LogPlace) -> None:
    """The summary and what is known of every frame as JSON, whole or not at all."""
    text = json_text(summary, indent=2)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(text.removesuffix("\n}") + ',\n  "per_frame": [')
        for index, entry in enumerate(read_frame_log(log)):
            file.write(f"{',' if index else ''}\n    {json_text(entry.to_json())}")
        file.write("\n  ]\n}\n")


def run_clip(
    source: Clip,
    masks: Mapping[int, Mask],
    model: "Model",
    settings: "TrackerSettings",
    outputs: "Outputs",
    report: Path | None,
    quiet: bool,
) -> "Summary":
    """Segment a clip of which no run is kept, with a bar, then say what that did.

    `require_whole` is to be called last, as after `run_request`.
    """
    from vosctl.job.pipeline import Pipeline, PipelineOptions

    labels = {frame: mask.labels for frame, mask in masks.items()}

    def work(on_frame: "OnFrame", log: LogPlace) -> "Summary":
        options = PipelineOptions(log=log, on_frame=on_frame)
        return Pipeline(source, labels, model, settings, outputs, options).run()

    return _run(source.info, source.info.frame_count_hint, work, report, quiet)


def run_request(opened: "OpenRequest", model: "Model", report: Path | None, quiet: bool) -> "Summary":
    """Do a request with a bar, then say what that did; `require_whole` is to be called last.

    Raises:
        InterruptedRunError: Ctrl-C, in a run that can go on.
    """
    from vosctl.job import pipeline

    request, info = opened.request, opened.source.info
    rate = f", {float(info.rate):.6g} frames/s" if info.rate else ""
    frames = info.frame_count_hint or "unknown"
    reporting.detail(f"clip: {info.path}, {info.width}x{info.height}{rate}, frames: {frames}")
    reporting.detail(f"model: {model.name} on {model.device_name}, {model.precision}")
    for path, form in opened.places.items():
        reporting.detail(f"to write: {form.name} to {path}")
    total = info.frame_count_hint
    if total and request.both_ways:
        total += max(opened.masks)

    def work(on_frame: "OnFrame", log: LogPlace) -> "Summary":
        return pipeline.run_request(opened, model, on_frame, log)

    try:
        return _run(info, total, work, report, quiet, opened.folder.log if opened.is_lasting else None)
    except KeyboardInterrupt:
        if not opened.is_lasting:
            raise
        way = f"vosctl segment --from-run {request.output} --resume" if request.correct else "add --resume"
        raise InterruptedRunError(f"to go on: {way}; to start over: --overwrite") from None


def _run(
    info: ClipInfo,
    total: int | None,
    work: "Callable[[OnFrame, LogPlace], Summary]",
    report: Path | None,
    quiet: bool,
    log: Path | None = None,
) -> "Summary":
    """Work on a clip with a bar, then say what that did.

    Args:
        info: of the clip.
        total: how many frames there are to do, where it is known.
        work: what to do; gets what to call after each frame, and a file for the confidences.
        report: where to write the summary as JSON, if anywhere.
        quiet: say nothing.
        log: the file for the confidences, where a run keeps one; else it is thrown away.
    """
    if report:
        claim_report(report)
    with nullcontext(log) if log else TemporaryFile() as place:  # which has no name that could be left
        with progress(info.path.name, total, quiet) as on_frame:
            summary = work(on_frame, place)
        _tell(summary, place, report, quiet)
    return summary


def _tell(summary: "Summary", log: LogPlace, report: Path | None, quiet: bool) -> None:
    if report:
        write_report(report, summary.to_json(), log)
    if not quiet:
        print_summary(summary)


def require_whole(summary: "Summary", output: Path | None = None) -> None:
    """Raises what is wrong with a run; it is called last, when all has been written and said.

    Raises:
        TruncatedClipError: the clip breaks off.
        ObjectLostError: an object is lost, and the run was to end there; `output` is where to correct it.
    """
    if summary.broken:
        raise TruncatedClipError(summary.broken)
    if summary.stopped:
        raise ObjectLostError(
            f"{summary.stopped}; if it is still there, draw its mask for that frame and go on with "
            f"vosctl segment --from-run {output} --mask {summary.stopped.rpartition(' ')[2]}=FILE"
        )
