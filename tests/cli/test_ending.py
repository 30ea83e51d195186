"""Commands that are told to end by a signal, in processes of their own."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.process import end, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

# A command that says on standard output that it is at work, and then works until it is told to end; it counts
# how often it is.
AT_WORK = """
import time
from vosctl.cli import help_topics
def works(path):
    try:
        print('at work', flush=True)
        time.sleep(60)
    finally:
        for _ in range(30):
            time.sleep(0.01)
        print('cleaned up', flush=True)
help_topics._text = works
"""
# The same before the command begins: while modules are imported.
STARTING = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == 'vosctl.cli.app':
            print('starting', flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
"""


def told(setup: str, *numbers: int, pause: float = 0.1) -> tuple[int, str, list[str]]:
    process = start("help", "masks", setup=setup)
    assert process.stdout
    process.stdout.readline()
    for number in numbers:
        process.send_signal(number)
        time.sleep(pause)
    return end(process)


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGINT, 130, "interrupted: every file"),
        (signal.SIGTERM, 143, "ended by TERM: every file"),
        (signal.SIGHUP, 129, "ended by HUP: every file"),
    ],
)
def test_a_signal_unwinds_the_command_and_is_told_in_one_line(number: int, code: int, words: str) -> None:
    found, out, lines = told(AT_WORK, number)
    assert found == code
    assert "cleaned up" in out
    assert len(lines) == 1
    assert lines[0].startswith(words)


def test_a_second_one_at_once_does_not_disturb_the_cleaning_up() -> None:
    code, out, lines = told(AT_WORK, signal.SIGINT, signal.SIGINT, signal.SIGTERM)
    assert code == 130
    assert "cleaned up" in out
    assert len(lines) == 1


def test_a_later_one_ends_the_command_at_once() -> None:
    stuck = AT_WORK.replace("range(30)", "range(6000)")
    code, out, lines = told(stuck, signal.SIGINT, signal.SIGINT, pause=1.3)
    assert code == 130
    assert "cleaned up" not in out
    assert len(lines) == 1
    assert "at once" in lines[0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_before_the_command_begins_there_is_nothing_to_unwind(number: int, code: int) -> None:
    found, _, lines = told(STARTING, number)
    assert found == code
    assert len(lines) == 1
    assert lines[0].endswith("nothing was begun")


def test_one_that_was_to_be_ignored_stays_ignored() -> None:
    quick = AT_WORK.replace("time.sleep(60)", "time.sleep(0.5); return 'all'")
    ignored = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + quick
    code, out, lines = told(ignored, signal.SIGHUP)
    assert code == 0
    assert "all" in out
    assert not lines


def test_one_that_is_heard_inside_a_callback_is_not_lost() -> None:
    callback = """
class Dies:
    def __del__(self):
        print('in a callback', flush=True)
        for _ in range(100):
            time.sleep(0.01)
"""
    setup = AT_WORK.replace("print('at work', flush=True)", "Dies()") + callback
    code, _, lines = told(setup, signal.SIGINT)
    assert code == 130
    assert len(lines) == 1


def test_an_import_that_makes_another_error_of_it() -> None:
    wraps = AT_WORK.replace(
        "    finally:",
        "    except KeyboardInterrupt:\n        raise ImportError('failed') from None\n    finally:",
    )
    code, _, lines = told(wraps, signal.SIGINT)
    assert code == 130
    assert lines[0].startswith("interrupted: ")


def test_json_tells_the_code(tmp_path: Path) -> None:
    process = start("help", "masks", "--json", setup=AT_WORK)
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    code, out, _ = end(process)
    assert code == 143
    assert '"exit_code": 143' in out


def test_ctrl_c_at_any_moment_of_the_start() -> None:
    for delay in (0.15, 0.25, 0.4, 0.6):
        process = start("--help", out=subprocess.DEVNULL, setup="print('x', file=sys.stderr, flush=True)")
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        code, _, lines = end(process)
        assert code in (0, 130)
        assert len(lines) <= 2
