"""Places for results, checked before the work begins: nothing that exists is written over unasked."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vosctl.errors import OutputError
from vosctl.media.output_lock import hold_output, is_of_lock
from vosctl.media.sink import STANDARD_OUTPUT, is_pipe, refuse_terminal


@contextmanager
def hold(path: Path | None, is_folder: bool = False, own: Path | None = None) -> Iterator[None]:
    """Keeps other runs from an output, and removes what a killed one has left half-written of it.

    To be entered before `claim_folder` or `claim_file` looks at what is there.

    Args:
        path: of the output; None and pipes, of which there is nothing to hold, are passed over.
        is_folder: whether it is a folder of many files.
        own: a further folder that goes with this output.

    Raises:
        OutputError: another run is at work there, or it is no place for an output.
    """
    if path is None or is_pipe(path):
        yield
        return
    _require_place(path, is_folder)
    with hold_output(path, is_folder, own):
        yield


@contextmanager
def claimed(path: Path, is_folder: bool, overwrite: bool) -> Iterator[None]:
    """Holds an output that results may go to.

    Raises:
        OutputError: as of `hold`, and of `claim_folder` or `claim_file`.
    """
    with hold(path, is_folder):
        (claim_folder if is_folder else claim_file)(path, overwrite)
        yield


def _require_place(path: Path, is_folder: bool) -> None:
    if is_folder and path.exists() and not path.is_dir():
        raise OutputError(f"{path} is a file; name a folder with -o")
    if not is_folder and not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; create it first")


def claim_folder(folder: Path, overwrite: bool) -> None:
    """Makes sure that results may go into a folder.

    Raises:
        OutputError: it is a file, or it holds something and nobody said that this may go.
    """
    _require_place(folder, is_folder=True)
    found = folder.iterdir() if folder.is_dir() and not overwrite else ()
    # What a run has left that was killed before it wrote anything is not in the way.
    if any(path.name != ".vosctl" and not is_of_lock(path) for path in found):
        raise OutputError(f"{folder} is not empty; name another folder with -o, or use --overwrite")


def claim_file(path: Path, overwrite: bool) -> None:
    """Makes sure that a result may be written to a file, or to a pipe.

    Raises:
        OutputError: its folder is missing, it is a terminal, or it exists and nobody said that it may go.
    """
    if is_pipe(path):
        refuse_terminal(path)
        return
    _require_place(path, is_folder=False)
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
