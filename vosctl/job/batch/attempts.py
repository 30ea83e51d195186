"""The second attempt at a clip, for the failures that it may help against."""

from dataclasses import replace

from vosctl.job.request import Task

ATTEMPTS = 2


def frame_by_frame(task: Task, has_begun: bool) -> Task:
    """The same with the least memory; over what the first attempt has written, if it got to that."""
    settings = replace(task.settings, window=1)
    return replace(task, settings=settings, overwrite=task.overwrite or has_begun, resume=False)


def go_on(task: Task) -> Task:
    """After the death of its process: from where it was, unless all was to be made anew."""
    return replace(task, resume=not task.overwrite)
