"""What commands that run the tracker have in common: reading their options, the bar, the summary."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from vosctl.cli.console import console
from vosctl.errors import TruncatedClipError, UsageError
from vosctl.media.claims import claim_file
from vosctl.media.clip import Clip
from vosctl.media.files import atomic_path
from vosctl.media.masks import Mask

if TYPE_CHECKING:
    from vosctl.models.model import Model
    from vosctl.session import OnFrame, Outputs, Summary
    from vosctl.tracking.settings import TrackerSettings

_VARIANTS = ("d-only", "no-update")
DEFAULT_WINDOW = "8"


def say_masks(masks: Mapping[int, Mask], quiet: bool) -> None:
    """How each mask was understood."""
    if quiet:
        return
    for frame, mask in masks.items():
        console.print(f"{mask}" + (f", from frame {frame} on" if frame else ""), markup=False)


def read_settings(variants: Sequence[str], window: str, max_size: int | None) -> "TrackerSettings":
    """The tracker's settings from the options of the command line.

    Raises:
        UsageError: an option has a value that it cannot have.
    """
    from vosctl.tracking.settings import TrackerSettings

    for variant in variants:
        if variant not in _VARIANTS:
            raise UsageError(f"--variant {variant}: not known; use {' or '.join(_VARIANTS)}")
    if window != "low-latency" and not window.isdecimal():
        raise UsageError(f"--window {window}: expected a number of frames, or low-latency")
    return TrackerSettings(
        refine="d-only" not in variants,
        update="no-update" not in variants,
        window=1 if window == "low-latency" else int(window),
        max_size=max_size,
    )


@contextmanager
def progress(label: str, total: int | None, quiet: bool) -> Iterator["OnFrame | None"]:
    """A bar on standard error; gives what to call after each frame, None where nothing is to be shown."""
    if quiet:
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total, speed="")

        def on_frame(*_: object) -> None:
            bar.advance(task)
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, speed=f"{speed:.1f} frames/s" if speed else "")

        yield on_frame


def print_summary(summary: "Summary") -> None:
    """The summary for people, on standard error."""
    table = Table.grid(padding=(0, 2))
    network = (
        "" if summary.network_size == summary.size else " (networks saw {}x{})".format(*summary.network_size)
    )
    form = "" if summary.refined else ", coarse scores only (D-only): no refinement network in use"
    rows = {
        "frames": f"{summary.frames}, {summary.size[0]}x{summary.size[1]}{network}",
        "objects": ", ".join(map(str, summary.objects)),
        "model": f"{summary.model}{form}",
        "device": f"{summary.device}, {summary.precision}",
        "first mask": f"after {summary.seconds_to_first_mask:.2f} s",
        "speed": f"{summary.model_frames_per_second:.1f} frames/s computing, "
        f"{summary.frames_per_second:.1f} frames/s from file to file",
        "peak memory": f"{summary.peak_memory_mb:.0f} MB"
        + (
            f", {summary.peak_device_memory_mb:.0f} MB on the device" if summary.peak_device_memory_mb else ""
        ),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    for note in summary.notes:
        table.add_row("note", note)
    console.print(table)


def write_report(path: Path, summary: "Summary") -> None:
    """The summary as JSON, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(summary.to_json(), indent=2) + "\n", encoding="utf-8")


def run(
    source: Clip,
    masks: Mapping[int, Mask],
    model: "Model",
    settings: "TrackerSettings",
    outputs: "Outputs",
    report: Path | None,
    quiet: bool,
) -> "Summary":
    """Segment one clip with a bar, then say what it did; `require_whole` is to be called last."""
    from vosctl.session import segment_clip

    if report:
        claim_file(report, overwrite=True)
    label_maps = {frame: mask.labels for frame, mask in masks.items()}
    with progress(source.info.path.name, source.info.frame_count_hint, quiet) as on_frame:
        summary = segment_clip(source, label_maps, model, settings, outputs, on_frame)
    if report:
        write_report(report, summary)
    if not quiet:
        print_summary(summary)
    return summary


def require_whole(summary: "Summary") -> None:
    """To be called last, when all that there is has been written and said.

    Raises:
        TruncatedClipError: the clip breaks off.
    """
    if summary.broken:
        raise TruncatedClipError(summary.broken)
