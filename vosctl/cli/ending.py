"""How a command ends that is told to end: by Ctrl-C (INT), by TERM, or by HUP when its terminal goes.

The first signal raises KeyboardInterrupt, whichever it is, so that files are finished or removed and a run
can go on. Those that follow within a second, such as a second Ctrl-C of an impatient hand, change nothing.
One that comes later ends the process at once.
"""

import os
import signal
import sys
import time
from types import FrameType

_NAMES = {"SIGINT": "interrupted", "SIGTERM": "ended by TERM", "SIGHUP": "ended by HUP"}
_PATIENCE = 1.0  # seconds in which further signals change nothing
_AGAIN = 0.01  # seconds until a signal is raised again whose exception was lost


class Ending:
    """Which signal has come, and what to do with the next one."""

    def __init__(self) -> None:
        self._signal: int | None = None
        self._since = 0.0
        self._has_begun = False
        self._exit_code: int | None = None

    def watch(self) -> None:
        """Take the signals over; before `begin` they end the process at once, as there is nothing to finish.

        Signals that whoever started the process had it ignore, as `nohup` does, stay ignored.
        """
        for name in _NAMES:
            number = getattr(signal, name, None)  # Windows has no HUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)
        sys.unraisablehook = self._raise_again

    def begin(self) -> None:
        """The command is at work: from now on a signal unwinds it."""
        self._has_begun = True

    def end(self, exit_code: int) -> None:
        """The command has ended and all is said: a signal that comes while the process closes is too late."""
        self._exit_code = exit_code

    @property
    def has_come(self) -> bool:
        """Whether the command was told to end."""
        return self._signal is not None

    @property
    def exit_code(self) -> int:
        """128 and the signal's number, as shells count."""
        return 128 + (self._signal or signal.SIGINT)

    @property
    def label(self) -> str:
        """The line that tells of it begins with this."""
        return _NAMES[signal.Signals(self._signal or signal.SIGINT).name]

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._exit_code is not None:
            os._exit(self._exit_code)
        if self._signal is None:
            self._signal, self._since = number, time.monotonic()
            if self._has_begun:
                raise KeyboardInterrupt
            self._end_now("nothing was begun")
        elif time.monotonic() - self._since > _PATIENCE:
            self._end_now("at once; what was being written is left half done under hidden names")

    def _end_now(self, how: str) -> None:
        try:
            os.write(2, f"{self.label}: {how}\n".encode())
        finally:
            os._exit(self.exit_code)

    def _raise_again(self, lost: "sys.UnraisableHookArgs") -> None:
        """Send a signal once more that Python heard inside a callback, which no exception leaves."""
        if issubclass(lost.exc_type, KeyboardInterrupt) and self._signal is not None:
            import threading  # which would cost each start of the command

            number, self._signal = self._signal, None
            threading.Timer(_AGAIN, signal.raise_signal, (number,)).start()
        else:
            sys.__unraisablehook__(lost)


ending = Ending()
