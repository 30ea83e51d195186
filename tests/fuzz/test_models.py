"""A small share of the fuzz run of model files, the same in each run of the tests."""

from pathlib import Path

import pytest

from tests.fuzz.models import make_input, read, small_model
from vosctl.systems import backbone, catalogue

_INPUTS = 42  # six of each way


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest architecture is gone after the test."""
    monkeypatch.setattr(catalogue, "_systems", dict(catalogue._systems))
    monkeypatch.setattr(backbone, "_backbones", dict(backbone._backbones))


def test_damaged_model_files_end_in_one_line(tmp_path: Path) -> None:
    content = small_model()
    ends = [(make_input(number, content, tmp_path)[1], number) for number in range(_INPUTS)]
    failed = {number: text for path, number in ends for result, text in [read(path)] if result == "failed"}
    assert not failed
