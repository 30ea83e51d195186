"""Several clips: `vosctl segment CLIP... --masks-from DIR`, or `--jobs FILE`."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import Progress, TimeElapsedColumn
from rich.table import Table

from vosctl.cli.console import console, progress_bar
from vosctl.cli.json_output import json_result
from vosctl.cli.reporting import ProgressLines, ProgressMode, reporting
from vosctl.errors import ClipsFailedError, InterruptedRunError, MaskError
from vosctl.files import make_folder
from vosctl.job.batch.engines import Engine
from vosctl.job.batch.outcome import Outcome, Status
from vosctl.job.job_list import Job, check_outputs, find_masks, read_jobs
from vosctl.job.request import Request, default_output, name_of

_STYLES = {Status.DONE: "green", Status.SKIPPED: "dim", Status.BROKEN: "yellow", Status.FAILED: "red"}


def requests_of_clips(
    clips: Sequence[Path], masks: Path, output: Path | None, pattern: Request
) -> tuple[list[Request], list[Outcome]]:
    """A request for each clip, and the outcomes of those for which there is no mask.

    Args:
        clips: given on the command line.
        masks: the folder of `--masks-from`.
        output: the folder that the results go into, each under its clip's name; None for `NAME_masks` here.
        pattern: the rest of each request; its `overlay` is a folder.

    Raises:
        JobsError: two clips have one name, so that their results would meet.
    """
    requests, failures = [], []
    _check_overlays([(clip, str(clip)) for clip in clips], pattern)
    places = [default_output(clip, output, Path(), pattern.formats) for clip in clips]
    check_outputs((place, str(clip)) for clip, place in zip(clips, places, strict=True))
    for clip, place in zip(clips, places, strict=True):
        try:
            given = find_masks(clip, name_of(clip), masks, not pattern.part.is_whole)
        except MaskError as error:
            failures.append(Outcome(str(clip), str(place), Status.FAILED, str(error)))
        else:
            requests.append(_request(clip, place, replace(pattern, masks=given)))
    return requests, failures


def requests_of_jobs(path: Path, allow_outside: bool, output: Path | None, pattern: Request) -> list[Request]:
    """A request for each entry of a list; `output` and `pattern` stand in for what an entry leaves open.

    Raises:
        JobsError: the list does not work.
    """
    requests, outputs = [], []
    jobs = read_jobs(path, allow_outside)
    _check_overlays([(job.clip, job.where) for job in jobs], pattern)
    for job in jobs:
        place = job.output or default_output(job.clip, output, path.parent, pattern.formats)
        outputs.append((place, job.where))
        requests.append(_request(job.clip, place, _with_options(job, pattern)))
    check_outputs(outputs)
    return requests


def _overlay(clip: Path, pattern: Request) -> Path | None:
    return pattern.overlay / f"{name_of(clip)}.mp4" if pattern.overlay else None


def _check_overlays(clips: Sequence[tuple[Path, str]], pattern: Request) -> None:
    named = ((_overlay(clip, pattern), where) for clip, where in clips)
    check_outputs((overlay, where) for overlay, where in named if overlay)


def _request(clip: Path, output: Path, pattern: Request) -> Request:
    return replace(pattern, clip=clip, output=output, overlay=_overlay(clip, pattern))


def _with_options(job: Job, pattern: Request) -> Request:
    model = replace(pattern.model, name=job.model) if job.model else pattern.model
    settings = replace(pattern.settings, max_size=job.max_size) if job.max_size else pattern.settings
    return replace(pattern, masks=job.masks, model=model, settings=settings)


def run_all(
    requests: Sequence[Request], failures: Sequence[Outcome], engine: Engine, quiet: bool
) -> dict[str, Any]:
    """Segment all clips, saying how each ends.

    Args:
        requests: the clips.
        failures: the outcomes of those that cannot begin.
        engine: what runs them.
        quiet: say nothing.

    Returns:
        As plain data: `clips`, the outcomes in order; the number of each status; `frames`; `seconds`.

    Raises:
        InterruptedRunError: Ctrl-C; `--json` then tells of the clips that have ended.
        VosctlError: nothing can be run at all: no such cluster, say.
    """
    for folder in {path for request in requests for path in _parents(request)}:
        make_folder(folder)
    start = time.perf_counter()
    outcomes: dict[int, Outcome] = {}
    try:
        with _bar(len(requests), quiet) as bar, engine:
            for failure in failures:
                bar.say(failure)
            for index, outcome in engine.run(requests, lambda _index, frames: bar.advance(frames)):
                outcomes[index] = outcome
                bar.end(outcome)
    except KeyboardInterrupt:
        json_result.put(_report(failures, outcomes, start))
        raise InterruptedRunError("to go on: add --resume; to start over: --overwrite") from None
    return _report(failures, outcomes, start)


def _report(failures: Sequence[Outcome], outcomes: Mapping[int, Outcome], start: float) -> dict[str, Any]:
    """What `run_all` gives, of the clips that have ended."""
    ordered = [*failures, *(outcomes[index] for index in sorted(outcomes))]
    counts = Counter(outcome.status for outcome in ordered)
    return {
        "clips": [outcome.to_json() for outcome in ordered],
        **{status.value: counts[status] for status in Status},
        "frames": sum(outcome.frames for outcome in ordered),
        "seconds": time.perf_counter() - start,
    }


def _parents(request: Request) -> Iterator[Path]:
    """The folders that results of many clips go into; a clip alone must find them there."""
    yield request.output.parent
    if request.overlay:
        yield request.overlay.parent


def print_table(report: Mapping[str, Any]) -> None:
    """A line for each clip, for people, on standard error."""
    table = Table("clip", "", "frames", "objects", "frames/s", "masks in", "why", box=None)
    for outcome in report["clips"]:
        summary = outcome["summary"] or {}
        speed = summary.get("frames_per_second")
        status = outcome["status"]
        table.add_row(
            escape(outcome["clip"]),
            f"[{_STYLES[status]}]{status}[/]",
            str(summary.get("frames", "")),
            ", ".join(map(str, summary.get("objects", ()))),
            f"{speed:.1f}" if speed else "",
            escape(outcome["output"]),
            escape(outcome["error"] or ""),
        )
    console.print(table)


def require_all(report: Mapping[str, Any]) -> None:
    """Raises what is wrong with the clips; it is called last.

    Raises:
        ClipsFailedError: clips failed or broke off; names each.
    """
    bad = [outcome for outcome in report["clips"] if outcome["status"] in (Status.FAILED, Status.BROKEN)]
    if bad:
        named = "; ".join(f"{outcome['clip']} ({outcome['error']})" for outcome in bad)
        raise ClipsFailedError(
            f"{len(bad)} of {len(report['clips'])} clips failed: {named}; the others are done"
        )


class _Bar:
    """Clips that have ended, and frames so far."""

    def __init__(self, bar: Progress, clips: int, quiet: bool) -> None:
        self._bar, self._quiet = bar, quiet
        self._task = bar.add_task("clips", total=clips, frames=0)
        self._lines = ProgressLines("all clips", None, quiet)
        self._frames = 0

    def advance(self, frames: int) -> None:
        self._frames += frames
        self._bar.update(self._task, frames=self._frames)
        self._lines.advance(frames)

    def end(self, outcome: Outcome) -> None:
        self._bar.advance(self._task)
        self.say(outcome)

    def say(self, outcome: Outcome) -> None:
        if not self._quiet:
            again = ", at the second attempt" if outcome.attempts > 1 else ""
            reason = f": {outcome.error}" if outcome.error else f", masks in {outcome.output}"
            style = _STYLES[outcome.status]
            console.print(f"[{style}]{outcome.status}[/] {escape(outcome.clip)}{again}{escape(reason)}")


@contextmanager
def _bar(clips: int, quiet: bool) -> Iterator[_Bar]:
    with progress_bar(
        "{task.fields[frames]} frames", quiet, TimeElapsedColumn, reporting.mode is ProgressMode.AUTO
    ) as bar:
        yield _Bar(bar, clips, quiet)
