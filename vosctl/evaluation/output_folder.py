"""The folder that a benchmark writes to."""

import os
from pathlib import Path

from vosctl.errors import OutputError
from vosctl.files import make_folder


def make_output_folder(folder: Path) -> None:
    """Make the folder, before any work is done for it.

    Raises:
        OutputError: it cannot be made, or nothing can be written to it.
    """
    make_folder(folder)
    if not os.access(folder, os.W_OK):
        raise OutputError(
            f"{folder}: there is no permission to write there; name another folder with --output"
        )
