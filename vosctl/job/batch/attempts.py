"""The second attempt at a clip, for the failures that it may help against."""

from dataclasses import replace

from vosctl.job.request import Request

ATTEMPTS = 2


def frame_by_frame(request: Request, has_begun: bool) -> Request:
    """The second attempt after memory ran out: it needs the least, and begins over if the first has begun."""
    settings = replace(request.settings, window=1)
    return replace(request, settings=settings, overwrite=request.overwrite or has_begun, resume=False)


def go_on(request: Request) -> Request:
    """The second attempt after the process died: it goes on from there, unless all was to be made anew."""
    return replace(request, resume=not request.overwrite)
