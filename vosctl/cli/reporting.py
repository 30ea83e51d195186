"""How a command tells how far it is where there is no terminal for a bar, and what it keeps in a file."""

import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from vosctl.cli.console import console
from vosctl.errors import UsageError
from vosctl.files import json_text

_SECONDS = 10.0  # between two lines, or
_SHARE = 0.05  # of all frames, if that is not at once after the last line:
_LEAST_SECONDS = 2.0


class ProgressMode(StrEnum):
    """Values of `--progress`."""

    AUTO = "auto"
    LINES = "lines"
    JSON = "json"
    NONE = "none"


class Reporting:
    """What the command line asked for.

    Attributes:
        mode: how progress is told.
        is_verbose: details are told too.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything, for a new command."""
        self.mode = ProgressMode.AUTO
        self.is_verbose = False
        console.log_to(None)

    def detail(self, text: str) -> None:
        """Says what only `-v` asks for; the log file has it in any case."""
        if self.is_verbose:
            console.print(text, markup=False)
        else:
            console.log(text)


reporting = Reporting()


def set_mode(mode: ProgressMode) -> ProgressMode:
    """Takes `--progress`."""
    reporting.mode = mode
    return mode


def set_verbose(is_verbose: bool) -> bool:
    """Takes `-v`."""
    reporting.is_verbose = is_verbose
    return is_verbose


def set_log(path: Path | None) -> Path | None:
    """Takes `--log-file`; begins to write there, after what is there.

    Raises:
        UsageError: it cannot be written.
    """
    if path is not None:
        try:
            console.log_to(path)
        except OSError as error:
            raise UsageError(f"--log-file {path} cannot be written: {error.strerror}; name another") from None
    return path


class ProgressLines:
    """Lines that say how far a piece of work is, every 10 seconds or 5 %, though not more often than every 2.

    Args:
        label: what is being done.
        total: how many frames there are, where it is known.
        quiet: say nothing; programs that asked for JSON, and the log file, are still told.
        clock: gives seconds.
    """

    def __init__(
        self, label: str, total: int | None, quiet: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._label, self._total, self._quiet, self._clock = label, total, quiet, clock
        self._begin = self._last = clock()
        self._done = self._told = 0

    def advance(self, frames: int = 1) -> None:
        """So many more frames are done."""
        self._done += frames
        now = self._clock()
        since = now - self._last
        is_share = bool(self._total) and self._done - self._told >= _SHARE * (self._total or 1)
        if since >= _SECONDS or (is_share and since >= _LEAST_SECONDS):
            self._tell(now)

    def end(self) -> None:
        """The work is done, which programs are told."""
        if reporting.mode is ProgressMode.JSON and self._done > self._told:
            self._tell(self._clock())

    def _tell(self, now: float) -> None:
        self._last, self._told = now, self._done
        rate = self._done / max(now - self._begin, 1e-9)
        left = (self._total - self._done) / rate if self._total and self._total >= self._done else None
        if reporting.mode is ProgressMode.JSON:
            content = {
                "event": "progress",
                "label": self._label,
                "frame": self._done,
                "total": self._total,
                "frames_per_second": round(rate, 3),
                "seconds_left": None if left is None else round(left, 1),
            }
            console.print(json_text(content), markup=False, soft_wrap=True)
            return
        share = f" of {self._total} ({100 * self._done / self._total:.0f} %)" if self._total else ""
        ahead = f", {_clock_text(left)} left" if left is not None else ""
        line = f"{self._label}: frame {self._done}{share}, {rate:.1f} frames/s{ahead}"
        is_plain = reporting.mode is ProgressMode.AUTO and not console.is_terminal
        if not self._quiet and (is_plain or reporting.mode is ProgressMode.LINES):
            console.print(line, markup=False)
        else:
            console.log(line)


def _clock_text(seconds: float) -> str:
    """The time as people read it: 0:42, 12:05, 1:02:03."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
