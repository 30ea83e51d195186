import pytest

from vosctl.suggestion import near_names, suggestion


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("modle", ["mask", "model"], ["model"]),
        ("camels", ["camel", "cow"], ["camel"]),
        ("train", ["streaming", "masks"], []),
        ("labelme", ["label-video", "palette"], []),
        ("--point", ["--json", "--report"], []),
    ],
)
def test_only_what_is_really_near(name: str, known: list[str], near: list[str]) -> None:
    assert near_names(name, known) == near


def test_all_names_where_none_is_near() -> None:
    assert suggestion("modle", ["mask", "model"]) == "did you mean model?"
    assert suggestion("xyzzy", ["mask", "model"]) == "expected one of mask, model"
