"""What a file of `torch.save` says that it holds, looked at before torch loads anything of it.

torch believes what a file says: it inflates each entry of the archive to the size that is declared there, and
takes a storage to be as long as the pickle says, even where the entry behind it is shorter. So this module
reads the sizes first, with a pickle reader that makes nothing of what the pickle names.
"""

import pickle
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from vosctl.errors import WeightsError

_MAX_BYTES = 4 << 30  # far more than any checkpoint of these networks
_MAX_PICKLE_BYTES = 8 << 20  # each byte may become an object of a hundred; real ones have 50 kB
_ZIP_START = b"PK\x03\x04"
_PICKLES_BEFORE = 3  # in torch's format before the archive: a magic number, the version, facts of the machine
_ELEMENT_BYTES = {
    "UntypedStorage": 1,
    "ByteStorage": 1,
    "CharStorage": 1,
    "BoolStorage": 1,
    "ShortStorage": 2,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "IntStorage": 4,
    "FloatStorage": 4,
    "LongStorage": 8,
    "DoubleStorage": 8,
}


def regular_size(path: Path) -> int:
    """The size of a regular file in bytes; a device or a pipe would be read for ever.

    Raises:
        WeightsError: it is missing, not a regular file, or larger than any model.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise WeightsError(f"{path}: unreadable: {reason}; name a model file") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device or a pipe"
        raise WeightsError(f"{path}: found {kind}, expected a model file")
    if found.st_size > _MAX_BYTES:
        raise WeightsError(
            f"{path}: has {found.st_size >> 20} MiB, expected a model file of at most {_MAX_BYTES >> 20} MiB"
        )
    return found.st_size


def check_archive(path: Path) -> None:
    """Make sure that loading a file takes no more memory than the file is long.

    Raises:
        WeightsError: it is missing, damaged, compressed, or holds less than it says.
    """
    size = regular_size(path)
    try:
        with path.open("rb") as file:
            is_zip = file.read(len(_ZIP_START)) == _ZIP_START
            file.seek(0)
            if is_zip:
                _check_zip(file, size, path)
            else:
                _check_pickles(file, size, path)
    except WeightsError:
        raise
    except Exception as error:  # noqa: BLE001  (damaged pickles and archives make readers raise anything)
        reason = error.strerror if isinstance(error, OSError) else None
        raise not_readable(path, reason) from None


def not_readable(path: Path, reason: str | None = None) -> WeightsError:
    """The error for a file that no reader makes sense of."""
    return WeightsError(
        f"{path}: not a readable weights file: {reason or 'damaged, or not written by torch.save'}; "
        "fetch or export it again"
    )


def _check_zip(file: IO[bytes], size: int, path: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(
            one.compress_type != zipfile.ZIP_STORED or one.compress_size != one.file_size for one in entries
        ):
            raise not_readable(path, "its entries are compressed, expected them as torch.save writes them")
        if sum(one.file_size for one in entries) > size:
            raise not_readable(path, f"its entries claim more than the {size} bytes that it has")
        by_name = {one.filename.casefold(): one for one in entries}  # torch's reader does not tell case
        if len(by_name) < len(entries) or archive.comment:
            raise not_readable(path, "an entry stands in it twice, or it ends in a comment")
        folder = entries[0].filename.partition("/")[0].casefold()
        content = by_name[f"{folder}/data.pkl"]
        if content.file_size > _MAX_PICKLE_BYTES:
            raise not_readable(path, f"its list of tensors has {content.file_size} bytes, far too many")
        with archive.open(content) as pickled:
            storages = dict(_Declared(pickled).storages())
        for key, declared in storages.items():
            entry = by_name.get(f"{folder}/data/{key}".casefold())
            found = entry.file_size if entry else 0
            if declared > found:
                raise not_readable(path, f"a tensor's data has {found} bytes, expected {declared}")
        if archive.testzip() is not None:
            raise not_readable(path, "damaged: a part of it does not have its checksum")


def _check_pickles(file: IO[bytes], size: int, path: Path) -> None:
    """The format that torch wrote before version 1.6: pickles, then the data of the storages."""
    pickled = _Bounded(file)
    for _ in range(_PICKLES_BEFORE):
        _Declared(pickled).load()
    storages = dict(_Declared(pickled).storages())
    if sum(storages.values()) > size:
        raise not_readable(path, f"its tensors claim more than the {size} bytes that it has")


class _Bounded:
    """Reads a file up to a limit: what is larger is no list of tensors."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._left = file, _MAX_PICKLE_BYTES

    def read(self, count: int) -> bytes:
        return self._taken(self._file.read(min(count, self._left)))

    def readline(self) -> bytes:
        return self._taken(self._file.readline(self._left))

    def _taken(self, data: bytes) -> bytes:
        self._left -= len(data)
        return data


class _Inert:
    """Stands for whatever a pickle names; nothing comes of what the pickle does to it."""

    global_name = ""

    def __init__(self, *_: object) -> None:
        pass

    def __call__(self, *_: object) -> "_Inert":
        return _Inert()

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def extend(self, values: object) -> None:
        pass

    append = extend


class _Declared(pickle._Unpickler):
    """Reads which storages a pickle wants; in Python, since C's reader allots memory as a pickle says."""

    def __init__(self, file: Any) -> None:
        super().__init__(file, encoding="utf-8")  # as torch does; of use for what Python 2 has written
        self._storages: list[tuple[str, int]] = []

    def storages(self) -> Iterator[tuple[str, int]]:
        """Key and bytes of each."""
        self.load()
        yield from self._storages

    def find_class(self, module: str, name: str) -> Any:
        # A class of its own, since a pickle may set attributes of what it names.
        return type("_Global", (_Inert,), {"global_name": name})

    def persistent_load(self, pid: Any) -> Any:
        kind, storage, key, _, count = pid[:5]
        if kind not in ("storage", b"storage") or type(key) is not str or type(count) is not int or count < 0:
            raise ValueError("not a storage")
        self._storages.append((key, count * _ELEMENT_BYTES[storage.global_name]))
        return _Inert()
