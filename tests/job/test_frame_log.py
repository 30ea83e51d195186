from pathlib import Path

import pytest

from vosctl.errors import OutputError
from vosctl.job.frame_log import FrameEntry, FrameLog, ObjectInFrame, read_frame_log


def entry(index: int) -> FrameEntry:
    return FrameEntry(index, f"{index:05d}", {3: ObjectInFrame(0.25 * (index % 4), index)})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    with FrameLog(path) as log:
        for index in range(5):
            log.write(entry(index))
        assert len(list(read_frame_log(path))) == 5  # while it is open
    assert list(read_frame_log(path)) == [entry(index) for index in range(5)]


def test_it_goes_on_after_the_lines_that_count(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    with FrameLog(path) as log:
        for index in range(6):
            log.write(entry(index))
    path.write_bytes(path.read_bytes()[:-7])  # killed in the middle of a line
    assert len(list(read_frame_log(path))) == 5
    with FrameLog(path, keep=3) as log:
        log.write(entry(30))
    assert [one.index for one in read_frame_log(path)] == [0, 1, 2, 30]


def test_lines_that_are_missing_are_not_made_up(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    with FrameLog(path) as log:
        log.write(entry(0))
    with pytest.raises(OutputError, match="holds 1 frames, but the masks of 2 are done"):
        FrameLog(path, keep=2)


def test_a_damaged_log_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text('{"frame": 0}\n')
    with pytest.raises(OutputError, match=r"frames\.jsonl.*damaged"):
        list(read_frame_log(path))
    with pytest.raises(OutputError, match="cannot be written"):
        FrameLog(tmp_path / "no" / "frames.jsonl")
