import multiprocessing
import os
import signal
from collections.abc import Callable

import pytest

from vosctl.job.batch.outcome import Outcome, Status
from vosctl.job.batch.process_engine import Processes
from vosctl.job.request import Request

LONG = 150  # frames, enough to be killed in the middle


def kill() -> None:
    for process in multiprocessing.active_children():
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)


def outcomes_of(requests: list[Request], on_frames: Callable[[int, int], None]) -> dict[int, Outcome]:
    with Processes(["cpu"], threads=1) as processes:
        return dict(processes.run(requests, on_frames))


def test_a_killed_worker_is_replaced_and_its_clip_goes_on(make_request: Callable[..., Request]) -> None:
    seen: dict[int, int] = {0: 0, 1: 0}

    def kill_once(index: int, frames: int) -> None:
        if seen[0] == 0:
            kill()
        seen[index] += frames

    found = outcomes_of([make_request("long", LONG), make_request("short")], kill_once)
    assert [(found[i].status, found[i].attempts) for i in (0, 1)] == [(Status.DONE, 2), (Status.DONE, 1)]
    assert len(list((make_request("long").output).glob("*.png"))) == LONG
    assert seen[1] == 12


def test_a_clip_whose_workers_die_is_named_and_the_rest_goes_on(make_request: Callable[..., Request]) -> None:
    def kill_always(index: int, _frames: int) -> None:
        if index == 0:
            kill()

    found = outcomes_of([make_request("long", LONG), make_request("short")], kill_always)
    assert (found[0].status, found[0].attempts) == (Status.FAILED, 2)
    assert "long.mp4: its process was killed" in (found[0].error or "")
    assert found[1].status is Status.DONE


def test_an_interruption_ends_the_workers_and_leaves_whole_files(
    make_request: Callable[..., Request],
) -> None:
    request = make_request("long", LONG)

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outcomes_of([request], interrupt)
    assert not multiprocessing.active_children()
    assert not list(request.output.glob(".*part*"))
    assert 0 < len(list(request.output.glob("*.png"))) < LONG
