import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vosctl.errors import DeviceError, UsageError
from vosctl.job.batch.engines import open_engine
from vosctl.job.batch.outcome import Outcome, Status
from vosctl.job.batch.ray_engine import _absolute
from vosctl.job.request import MaskAt, Request
from vosctl.media.stream_address import clip_path
from vosctl.systems.choice import ModelChoice
from vosctl.systems.settings import TrackerSettings


def test_without_ray_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'vosctl\[ray\]'"):
        open_engine("ray", "auto", None)
    with pytest.raises(UsageError, match="--engine sun: not known"):
        open_engine("sun", "auto", None)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two of Ray's workers on this machine."""
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def run(requests: list[Request]) -> dict[int, Outcome]:
    with open_engine("ray", "cpu", None) as engine:
        return dict(engine.run(requests, lambda *_: None))


pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray's own


def test_clips_run_on_a_cluster_and_finished_ones_are_skipped(
    cluster: None, make_request: Callable[..., Request], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    requests = [make_request("a"), make_request("b")]
    requests[1] = replace(
        requests[1], clip=Path("b.mp4"), output=Path("out/b")
    )  # workers are in other folders
    bad = replace(requests[0], clip=tmp_path / "nowhere.mp4", output=tmp_path / "out" / "c")
    found = run([*requests, bad])
    assert [found[index].status for index in range(3)] == [Status.DONE, Status.DONE, Status.FAILED]
    assert (found[1].clip, found[1].output) == ("b.mp4", "out/b")
    assert (found[2].attempts, "nowhere.mp4" in (found[2].error or "")) == (1, True)
    assert len(list(Path("out/b").glob("*.png"))) == 12
    again = run([replace(request, resume=True) for request in requests])
    assert {outcome.status for outcome in again.values()} == {Status.SKIPPED}
    with pytest.raises(DeviceError, match="Ray deals out the GPUs"):
        open_engine("ray", "cuda:0", None)


def test_a_clip_whose_worker_is_killed_goes_on(cluster: None, make_request: Callable[..., Request]) -> None:
    request = make_request("long", 150)
    killed: list[int] = []

    def kill_in_the_middle() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(list(request.output.glob("*.png"))) < 10:
            time.sleep(0.05)
        process = json.loads((request.output / ".vosctl.holder").read_text())["process"]
        os.kill(process, signal.SIGKILL)
        killed.append(process)

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    (outcome,) = run([request]).values()
    killer.join()
    assert killed
    assert (outcome.status, outcome.attempts) == (Status.DONE, 2)
    assert len(list(request.output.glob("*.png"))) == 150


def test_addresses_stay_addresses_on_other_machines(tmp_path: Path) -> None:
    request = Request(
        clip_path("rtsp://camera//1"),
        (MaskAt(0, Path("first.png")),),
        Path("out"),
        ModelChoice(),
        TrackerSettings(),
    )
    there = _absolute(request)
    assert str(there.clip) == "rtsp://camera//1"
    assert there.masks[0].path == Path("first.png").absolute()
    assert _absolute(replace(request, clip=Path("a.mp4"))).clip == Path("a.mp4").absolute()
