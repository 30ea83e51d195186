"""`vosctl benchmark --speed`: what each stage of the work takes."""

from pathlib import Path
from typing import TYPE_CHECKING

from vosctl.cli.console import console, print_result
from vosctl.cli.json_output import json_result
from vosctl.errors import UsageError
from vosctl.files import write_json
from vosctl.media.claims import hold

if TYPE_CHECKING:
    from vosctl.evaluation.datasets import Dataset
    from vosctl.evaluation.speed_measurement import SpeedJob, SpeedResult
    from vosctl.systems.choice import ModelChoice
    from vosctl.systems.settings import TrackerSettings


def jobs_of_clips(clips: list[Path], masks: list[Path], objects: int) -> "list[SpeedJob]":
    """The jobs of clips that have a mask each, or made-up objects.

    Raises:
        UsageError: there are more or fewer masks than clips.
        VosctlError: a clip or a mask cannot be read.
    """
    from vosctl.evaluation.speed_measurement import SpeedJob
    from vosctl.masks.reading import read_mask
    from vosctl.media.clip import open_clip

    if masks and len(masks) != len(clips):
        raise UsageError(f"{len(clips)} clips, {len(masks)} masks: give one --mask for each clip, or none")
    jobs = []
    for index, path in enumerate(clips):
        given = None
        if masks:
            with open_clip(path) as clip:
                given = {0: read_mask(masks[index], (clip.info.width, clip.info.height)).labels}
        jobs.append(SpeedJob(path.name, path, given, objects))
    return jobs


def jobs_of_dataset(data: "Dataset") -> "list[SpeedJob]":
    """The jobs of a data set's sequences, with their own masks."""
    from vosctl.evaluation.ground_truth import read_ground_truth
    from vosctl.evaluation.speed_measurement import SpeedJob

    return [
        SpeedJob(one.name, one.frames[0].parent, read_ground_truth(one).first_masks())
        for one in data.sequences
    ]


def measure(
    jobs: "list[SpeedJob]",
    model: "ModelChoice",
    device: str,
    settings: "TrackerSettings",
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure, print, and write `speed.json` where asked to.

    Raises:
        VosctlError: the model, a clip or the output does not work.
    """
    from vosctl.evaluation.output_folder import make_output_folder
    from vosctl.evaluation.speed_measurement import measure_speed

    with hold(output, is_folder=True):
        if output:
            make_output_folder(output)
        if not quiet:
            console.print(f"measuring {len(jobs)} clip{'s' if len(jobs) > 1 else ''}", markup=False)
        result = measure_speed(jobs, model.load(device), settings)
        if output:
            write_json(output / "speed.json", result.to_json())
    if as_json:
        json_result.put({"speed": result.to_json()})
    else:
        _print(result)


def _print(result: "SpeedResult") -> None:
    from vosctl.evaluation.speed_table import clip_table, machine_line, stage_table

    for clip in result.clips:
        print_result(f"{clip.name}:")
        print_result(stage_table(clip))
        print_result("")
    print_result(clip_table(result))
    print_result(machine_line(result))
