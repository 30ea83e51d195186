"""`vosctl segment --from-run`: the run that is to be corrected, as a task."""

from collections.abc import Sequence
from pathlib import Path

from vosctl.errors import UsageError
from vosctl.task import Task


def task_of(
    from_run: Path, asked: Task, clips: Sequence[Path], output: Path | None, formats: Sequence[str]
) -> Task:
    """What to do: as the run did, but with the masks that are asked for.

    Args:
        from_run: the output of the run.
        asked: by the other options.
        clips: none, or where the clip is now.
        output: not to be given.
        formats: not to be given.

    Raises:
        UsageError: something is given that is the run's own, or no correction.
        OutputError: there is no run.
    """
    from vosctl.runs.run import correction_of

    own = {
        "-o": output,
        "--format": formats,
        "--overlay": asked.overlay,
        "--model": asked.model.name,
        "--variant": not (asked.settings.refine and asked.settings.update),
        "--max-size": asked.settings.max_size,
        "--both-ways": asked.both_ways,
        "--overwrite": asked.overwrite,
    }
    if given := [name for name, value in own.items() if value]:
        raise UsageError(f"{given[0]} is as it was in the run that --from-run names; leave it out")
    if len(clips) > 1:
        raise UsageError("--from-run corrects one run, of one clip; name no clip, or where it is now")
    if not (asked.masks or asked.resume):
        raise UsageError(
            f"--from-run {from_run}: give the correction with --mask FRAME=FILE, or --resume to go on"
        )
    clip = clips[0] if clips else None
    return correction_of(from_run, asked.masks, clip, asked.stop_when_lost)
