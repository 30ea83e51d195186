"""Of `sink` and `claims`: bytes do not go to a terminal."""

import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vosctl.errors import OutputError
from vosctl.media.claims import claim_file
from vosctl.media.sink import STANDARD_OUTPUT, open_sink


@contextmanager
def terminal() -> Iterator[int]:
    """Gives a terminal's file descriptor in place of standard output."""
    leader, follower = pty.openpty()
    before = os.dup(1)
    os.dup2(follower, 1)
    try:
        yield follower
    finally:
        os.dup2(before, 1)
        for file in (before, leader, follower):
            os.close(file)


def test_a_terminal_is_refused_before_the_work_and_at_it() -> None:
    with terminal() as file:
        for path in (STANDARD_OUTPUT, Path(os.ttyname(file))):
            with pytest.raises(OutputError, match="is a terminal, and the result is binary"):
                claim_file(path, overwrite=False)
            with pytest.raises(OutputError, match="is a terminal"), open_sink(path):
                pass


def test_other_devices_take_bytes() -> None:
    with open_sink(Path("/dev/null")) as sink:
        assert sink.write(b"abc") == 3
