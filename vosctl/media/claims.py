"""Places for results, checked before the work begins: nothing that exists is written over unasked."""

import os
from collections.abc import Iterable
from pathlib import Path

from vosctl.errors import OutputError
from vosctl.media.sink import STANDARD_OUTPUT, is_pipe, refuse_terminal


def claim_folder(folder: Path, overwrite: bool) -> None:
    """Makes sure that results may go into a folder.

    Raises:
        OutputError: it is a file, or it holds something and nobody said that this may go.
    """
    # What a run has left that was killed before it wrote anything is not in the way.
    if folder.is_dir() and not overwrite and any(path.name != ".vosctl" for path in folder.iterdir()):
        raise OutputError(f"{folder} is not empty; name another folder with -o, or use --overwrite")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a folder with -o")


def claim_file(path: Path, overwrite: bool) -> None:
    """Makes sure that a result may be written to a file, or to a pipe.

    Raises:
        OutputError: its folder is missing, it is a terminal, or it exists and nobody said that it may go.
    """
    if is_pipe(path):
        refuse_terminal(path)
        return
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; create it first")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists; name another file, or use --overwrite")


def claim_png(path: Path, overwrite: bool) -> None:
    """Makes sure that a picture may be written to a file.

    Raises:
        OutputError: it is not named as a PNG; or as of `claim_file`.
    """
    if path.suffix.lower() != ".png":
        raise OutputError(f"{path}: the picture is a PNG; name it with the suffix .png")
    claim_file(path, overwrite)


def claim_report(path: Path) -> None:
    """Makes sure that a report may be written to a file; a new one takes the place of an old one.

    Raises:
        OutputError: it is not named as JSON, and may be something else; or its folder is missing.
    """
    if path.suffix.lower() != ".json":
        raise OutputError(f"{path}: the report is JSON; name it with the suffix .json")
    claim_file(path, overwrite=True)


def keep_inputs(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Makes sure that no result would replace what it is made from, under whatever name.

    Raises:
        OutputError: one would.
    """
    real = {os.path.realpath(path) for path in inputs}
    for output in outputs:
        if output not in (None, STANDARD_OUTPUT) and os.path.realpath(output) in real:
            raise OutputError(f"{output} is what is to be read; name another place for the result")


def refuse_link(path: Path) -> None:
    """Makes sure that a folder within a result is not a link that leads out of it.

    Raises:
        OutputError: it is a link.
    """
    if path.is_symlink():
        raise OutputError(f"{path} is a link, which leads out of the results; remove it")
