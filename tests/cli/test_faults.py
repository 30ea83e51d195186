import errno
import tempfile

import pytest

from tests.cli.process import end, start
from vosctl.cli.faults import describe


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 9 GiB"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError(
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.\nBuy new RAM!"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("can't start new thread"),
        ImportError("libtorch.so: failed to map segment: Cannot allocate memory"),
    ],
)
def test_too_little_memory_is_no_fault(error: Exception) -> None:
    line, code = describe(error)
    assert code == 2
    assert line.startswith("there is not enough memory; ")
    assert "\n" not in line


def test_a_path_is_named_and_the_rest_is_a_fault() -> None:
    assert describe(PermissionError(errno.EACCES, "Permission denied", "x"))[0].startswith(
        "x: Permission denied"
    )
    for error in (ZeroDivisionError("no"), RuntimeError("shapes differ"), OSError(errno.EIO, "broken")):
        line, code = describe(error)
        assert code == 70
        assert "a fault of vosctl" in line


def test_no_temporary_folder_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    line, code = describe(FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"))
    assert code == 2
    assert line == "no folder for temporary files can be written; set TMPDIR to one that can"


def test_in_a_process_of_its_own() -> None:
    none = """
import errno, tempfile
def none(*_):
    raise FileNotFoundError(errno.ENOENT, 'No usable temporary directory found')
tempfile.gettempdir = none
from vosctl.cli import help_topics
help_topics._text = lambda path: tempfile.TemporaryDirectory(dir=none())
"""
    code, _, lines = end(start("help", "masks", setup=none))
    assert code == 2
    assert lines == ["error: no folder for temporary files can be written; set TMPDIR to one that can"]
