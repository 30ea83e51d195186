"""What to say where a name is none of those that are known."""

from collections.abc import Iterable
from difflib import get_close_matches

_NEAR = 0.75  # share of letters in common: `modle` is near `model`, `train` is not near `streaming`
_MOST = 40  # names in a message


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """The known names that may have been meant, the nearest first; none where `name` is like none of them."""
    return get_close_matches(name, list(known), cutoff=_NEAR)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The name that was probably meant, else all of them."""
    names = list(known)
    near = near_names(name, names)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(names[:_MOST])}"
