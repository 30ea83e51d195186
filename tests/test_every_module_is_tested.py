"""Each module of more than 60 lines has a test module of its name, or a test docstring names it."""

import ast
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_LINES = 60


def test_each_module_has_a_test_module_or_is_named_in_one() -> None:
    tests = _ROOT / "tests"
    docstrings = [
        ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        for path in tests.rglob("test_*.py")
    ]
    named = " ".join(docstrings)
    missing = []
    for module in sorted((_ROOT / "vosctl").rglob("*.py")):
        place = module.relative_to(_ROOT / "vosctl")
        own = tests / place.parent / f"test_{place.name}"
        if len(module.read_text(encoding="utf-8").splitlines()) > _LINES and not own.is_file():
            missing += [] if place.as_posix() in named.split() or f"{place.as_posix()}," in named else [place]
    assert not missing, f"no test module: {', '.join(map(str, missing))}"
