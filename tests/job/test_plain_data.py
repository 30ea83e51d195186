from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from vosctl.job.plain_data import require_fields


@dataclass
class Inner:
    at: int


@dataclass
class Outer:
    count: int
    share: float
    name: str | None = None
    size: tuple[int, int] = (0, 0)
    inner: tuple[Inner, ...] = ()
    rest: Mapping[str, Any] | None = None
    ready: bool = False


GOOD = {"count": 1, "share": 2, "name": None, "size": [3, 4], "inner": [{"at": 5}], "rest": {}, "ready": True}


def test_what_fits_is_left_as_it_is() -> None:
    assert require_fields(GOOD, Outer) is GOOD


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 1.5),
        ("count", True),
        ("share", "2"),
        ("name", 3),
        ("size", [3]),
        ("size", [3, "4"]),
        ("inner", {}),
        ("inner", [{"at": "5"}]),
        ("inner", [{}]),
        ("rest", []),
        ("ready", 1),
        ("extra", 1),
    ],
)
def test_what_does_not_is_named(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{name} is"):
        require_fields({**GOOD, name: value}, Outer)


def test_what_has_no_names_at_all() -> None:
    with pytest.raises(TypeError, match="found a list"):
        require_fields([1], Outer)
