import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from vosctl.errors import OutputError
from vosctl.files import atomic_path
from vosctl.media.claims import claim_folder, claimed, hold
from vosctl.media.output_lock import hold_output

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from vosctl.media.output_lock import hold_output
with hold_output(Path(sys.argv[2]), sys.argv[3] == "folder"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path, kind: str) -> "subprocess.Popen[str]":
    """A process that holds an output until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(ROOT), str(path), kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_the_second_is_told_who_is_first_and_nothing_is_left(tmp_path: Path, kind: str) -> None:
    path, is_folder = tmp_path / "out", kind == "folder"
    with holder(path, kind) as first:
        with pytest.raises(OutputError, match=rf"out is being written by .*process {first.pid} \(-c"):
            hold_output(path, is_folder).__enter__()
        link = tmp_path.with_name(f"{tmp_path.name}-link")
        link.symlink_to(tmp_path)
        with pytest.raises(OutputError, match=rf"process {first.pid}"):  # the same under another path
            hold_output(link / "out", is_folder).__enter__()
        link.unlink()
        first.communicate()
    assert first.returncode == 0
    assert not list(tmp_path.iterdir())
    with hold_output(path, is_folder):
        pass


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_killed_holder_is_in_nobodys_way(tmp_path: Path, kind: str) -> None:
    path, is_folder = tmp_path / "out", kind == "folder"
    with holder(path, kind) as first:
        first.kill()
    assert list(tmp_path.iterdir())
    with claimed(path, is_folder, overwrite=False):
        assert not is_folder or path.is_dir()
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_two_outputs_of_one_folder_do_not_meet(tmp_path: Path) -> None:
    with hold(tmp_path / "out", is_folder=True), hold(tmp_path / "a.mp4"), hold(tmp_path / "out" / "b.mp4"):
        claim_folder(tmp_path / "out", overwrite=False)  # the locks alone are no results
        with hold(tmp_path / "a.mkv"), hold(None), hold(Path("-")):
            pass
    assert not list(tmp_path.iterdir())


def test_what_is_no_place_for_an_output_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file is a file; name a folder"):
        hold(tmp_path / "file", is_folder=True).__enter__()
    with pytest.raises(OutputError, match="there is no folder"):
        hold(tmp_path / "none" / "a.mp4").__enter__()
    with hold(tmp_path / "deep" / "er" / "out", is_folder=True):
        assert (tmp_path / "deep" / "er" / "out").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    long = tmp_path / ("x" * 240 + ".json")
    with hold(long), pytest.raises(OutputError, match="is being written"):
        hold(long).__enter__()


def test_only_one_of_many_threads_holds_it_at_a_time(tmp_path: Path) -> None:
    path, inside, most, refused, done = tmp_path / "a.json", [0], [0], [0], [0]

    def work() -> None:
        for _ in range(60):
            try:
                with hold_output(path, is_folder=False):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    os.sched_yield()
                    inside[0] -= 1
                    done[0] += 1
            except OutputError:
                refused[0] += 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert done[0] > 0
    assert done[0] + refused[0] == 360
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_of_this_output_goes_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    go = ["out/.00001.part7-3.png", "out/soft/1/.00002.part7-4.png", ".a.part9-0.mp4"]
    stay = [
        "out/.film.part8-1.mp4",  # of an output that somebody else holds
        "out/.film.mp4.vosctl.lock",
        "out/inner/.vosctl.lock",
        "out/inner/.00001.part8-2.png",
        ".a.part9-0.json",
        ".b.part9-0.mp4",
        "out/mine.png",
    ]
    for name in go + stay:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with hold(out, is_folder=True), hold(tmp_path / "a.mp4"):
        left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
        assert left & {*go, *stay} == set(stay)


def test_a_folder_that_goes_with_a_file_is_swept_too(tmp_path: Path) -> None:
    left = [".a.mp4.vosctl/.run.part7-0.json", ".a.mp4.vosctl/backward/states/.state-1.part7-1.pt"]
    for name in (*left, ".a.mp4.vosctl/run.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with hold(tmp_path / "a.mp4", own=tmp_path / ".a.mp4.vosctl"):
        assert [path.name for path in (tmp_path / ".a.mp4.vosctl").rglob("*.*")] == ["run.json"]


def test_a_long_name_is_known_again_by_what_its_temporary_file_has_of_it(tmp_path: Path) -> None:
    """`atomic_path` cuts the stem; what is left must neither stay for good nor be taken for another's."""
    name = f"{'film' * 30}.mkv"
    left_of_it = []
    for folder in (tmp_path, tmp_path / "out"):
        folder.mkdir(exist_ok=True)
        with suppress(KeyboardInterrupt), atomic_path(folder / name) as temporary:
            raise KeyboardInterrupt
        temporary.touch()
        left_of_it.append(temporary)
    alone, inner = left_of_it
    with hold(tmp_path / "out" / name):
        assert not inner.exists()
        inner.touch()  # the holder is writing it
        with hold(tmp_path / name):
            assert not alone.exists()
        with hold(tmp_path / "out", is_folder=True):
            assert inner.exists()


def test_a_damaged_note_of_the_holder_is_no_traceback(tmp_path: Path) -> None:
    with hold_output(tmp_path / "a.json", is_folder=False):
        for text in (b"", b"[1]", b"\xff", b"[" * 10_000, b'{"process": NaN}'):
            (tmp_path / ".a.json.vosctl.holder").write_bytes(text)
            with pytest.raises(OutputError, match="by another run; wait"):
                hold_output(tmp_path / "a.json", is_folder=False).__enter__()
