"""`vosctl segment --from-run`: the run that is to be corrected, as a request."""

from collections.abc import Sequence
from pathlib import Path

import typer

from vosctl.errors import UsageError
from vosctl.job.request import Request

# What the run has settled, or what is for new runs, by the parameter's name.
_OWN = {
    "output": "-o",
    "format_names": "--format",
    "overlay": "--overlay",
    "overwrite": "--overwrite",
    "model": "--model",
    "backbone_weights": "--backbone-weights",
    "refinement": "--refinement",
    "precision": "--precision",
    "variant": "--variant",
    "max_size": "--max-size",
    "window": "--window",
    "both_ways": "--both-ways",
    "debug_scores": "--debug-scores",
    "masks_from": "--masks-from",
    "jobs": "--jobs",
    "name": "--name",
    "invert": "--invert",
    "start": "--start",
    "end": "--end",
    "every": "--every",
    "first_number": "--first-number",
    "fps": "--fps",
    "only": "--only",
    "merge": "--merge",
    "rename": "--rename",
    "smooth_time": "--smooth-time",
    "drop_small": "--drop-small",
    "fill_holes": "--fill-holes",
    "shrink": "--shrink",
    "grow": "--grow",
    "feather": "--feather",
}


def request_of(from_run: Path, asked: Request, clips: Sequence[Path], context: typer.Context) -> Request:
    """What to do: as the run did, but with the masks that are asked for.

    Args:
        from_run: the output of the run.
        asked: by the other options.
        clips: none, or where the clip is now.
        context: of the command line, which must not name what is the run's own. What the environment or the
            configuration say of it is for new runs.

    Raises:
        UsageError: something is given that is the run's own, or no correction.
        OutputError: there is no run.
    """
    from vosctl.job.open_request import correction_of

    for parameter, option in _OWN.items():
        source = context.get_parameter_source(parameter)
        if source is not None and source.name == "COMMANDLINE":
            raise UsageError(f"--from-run goes on with the run as it was; leave out {option}")
    if len(clips) > 1:
        raise UsageError("--from-run corrects one run, of one clip; name no clip, or where it is now")
    if not (asked.masks or asked.resume):
        raise UsageError(
            f"--from-run {from_run}: give the correction with --mask FRAME=FILE, or --resume to go on"
        )
    clip = clips[0] if clips else None
    return correction_of(from_run, asked.masks, clip, asked.stop_when_lost)
