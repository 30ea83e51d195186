"""No function has more branches, or more parameters, than can be kept in mind."""

import ast
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_BRANCHES = 20  # McCabe's number as radon counts it: the end of its rank C
_PARAMETERS = 12


def _modules() -> list[Path]:
    modules = sorted((_ROOT / "vosctl").rglob("*.py"))
    assert modules
    return modules


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = node.args
    return sum(one.arg not in ("self", "cls") for one in given.posonlyargs + given.args + given.kwonlyargs)


def _is_command(module: Path, name: str) -> bool:
    """Whether it is a command of the command line, which has a parameter for each of its options."""
    return module.parent == _ROOT / "vosctl" / "cli" and module.stem == name


def test_no_function_has_too_many_branches() -> None:
    complexity = pytest.importorskip("radon.complexity")
    found = [
        f"{module.relative_to(_ROOT)}:{block.lineno} {block.name} ({block.complexity})"
        for module in _modules()
        for block in complexity.cc_visit(module.read_text(encoding="utf-8"))
        if hasattr(block, "is_method") and block.complexity > _BRANCHES  # a class is judged by its methods
    ]
    assert not found, ", ".join(found)


def test_no_function_has_too_many_parameters() -> None:
    found = [
        f"{module.relative_to(_ROOT)}:{node.lineno} {node.name} ({_parameters(node)})"
        for module in _modules()
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not _is_command(module, node.name)
        and _parameters(node) > _PARAMETERS
    ]
    assert not found, ", ".join(found)
