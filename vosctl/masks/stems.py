"""Names of frames that come from within a file: they become names of files, so they are not trusted."""

from collections.abc import Sequence

_RESERVED = set('/\\:*?"<>|')
_LONGEST = 100  # characters, so that with a suffix any file system takes it


def safe_stems(names: Sequence[str]) -> list[str]:
    """The names, if each can be a file's in any folder and no two are equal; else numbers "00000", ..."""
    if len(set(names)) == len(names) and all(map(_is_safe, names)):
        return list(names)
    return [f"{index:05d}" for index in range(len(names))]


def _is_safe(name: str) -> bool:
    return (
        0 < len(name) <= _LONGEST
        and name.isprintable()
        and not name.startswith(".")
        and not _RESERVED.intersection(name)
    )
