"""Where the process begins: what must be in place before the command line is even understood.

Only what is cheap is imported here, so that `--version` answers at once and Ctrl-C is heard from the start.
"""

import sys
from contextlib import suppress

from vosctl.cli.ending import ending
from vosctl.cli.standard_streams import guard_streams
from vosctl.errors import OutputError
from vosctl.version import __version__


def main() -> None:
    """Run the command and end the process with its exit code."""
    ending.watch()
    guard_streams()
    if sys.argv[1:] == ["--version"]:
        with suppress(OutputError):  # which the command below meets again, and says
            sys.stdout.write(f"vosctl {__version__}\n")
            sys.stdout.flush()
            return
    from vosctl.cli import app

    ending.begin()
    app.main()
