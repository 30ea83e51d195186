"""Runs `vosctl` in a process of its own, as a shell does."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]


def start(
    *arguments: object, out: int | IO[bytes] = subprocess.PIPE, setup: str = "", **environment: str
) -> subprocess.Popen[bytes]:
    """Start the command; `setup` is Python code that the process runs before it."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[0] = 'vosctl'\n{setup}\n"
    code += "from vosctl.cli.start import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=out,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        # What a shell does for a command in the foreground, whatever started the tests.
        preexec_fn=lambda: [signal.signal(one, signal.SIG_DFL) for one in (signal.SIGINT, signal.SIGHUP)],
    )


def end(process: subprocess.Popen[bytes]) -> tuple[int, str, list[str]]:
    """Exit code, standard output, and the lines of standard error that are not empty."""
    out, errors = process.communicate(timeout=120)
    lines = [line for line in errors.decode("utf-8", "surrogateescape").splitlines() if line.strip()]
    assert not any("Traceback" in line or "Exception ignored" in line for line in lines), lines
    return process.returncode, (out or b"").decode("utf-8", "surrogateescape"), lines
