import errno
from pathlib import Path

import pytest

from vosctl.errors import OutputError
from vosctl.files import atomic_path, json_text


def test_the_file_appears_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.suffix == ".json"
        assert temporary.parent == tmp_path
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_an_exception_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")

    def write() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_share_a_temporary(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.png") as first, atomic_path(tmp_path / "a.png") as second:
        assert first != second
        first.touch()
        second.touch()


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "no space is left"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no permission"),
        (errno.EIO, "nput/output error"),
    ],
)
def test_a_failed_write_says_what_to_do(tmp_path: Path, code: int, advice: str) -> None:
    def write() -> None:
        with atomic_path(tmp_path / "a.png"):
            raise OSError(code, "Input/output error")

    with pytest.raises(OutputError, match=rf"a\.png cannot be written: .*{advice}"):
        write()


def test_a_missing_folder_and_a_folder_in_the_way_are_found_before_the_work(tmp_path: Path) -> None:
    worked = False

    def write(path: Path) -> None:
        nonlocal worked
        with atomic_path(path):
            worked = True

    with pytest.raises(OutputError, match="folder does not exist; create it"):
        write(tmp_path / "missing" / "a.png")
    with pytest.raises(OutputError, match="folder of this name is in the way"):
        write(tmp_path)
    assert not worked


def test_a_file_too_large_for_the_disk(tmp_path: Path, file_limit) -> None:
    def write() -> None:
        with atomic_path(tmp_path / "a.bin") as temporary:
            temporary.write_bytes(bytes(5000))

    with file_limit(1000), pytest.raises(OutputError, match="too large"):
        write()
    assert not list(tmp_path.iterdir())


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"a\.png cannot be written"), atomic_path(tmp_path / "file/a.png"):
        pass


def test_json_holds_no_number_that_is_not_finite() -> None:
    text = json_text({"a": [1.5, float("nan")], "b": {"c": (float("inf"), "x", None, True)}})
    assert text == '{"a": [1.5, null], "b": {"c": [null, "x", null, true]}}'
