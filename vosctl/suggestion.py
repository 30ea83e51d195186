"""What to say where a name is none of those that are known."""

from collections.abc import Iterable
from difflib import get_close_matches

_MOST = 40  # names in a message


def suggestion(name: str, known: Iterable[str]) -> str:
    """The name that was probably meant, else all of them."""
    names = list(known)
    near = get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(names[:_MOST])}"
