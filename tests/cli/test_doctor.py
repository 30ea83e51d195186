"""`vosctl doctor` on a CPU, and what it says of a machine that computes wrongly.

Tests evaluation/checkup.py too.
"""

import json

import numpy as np
import pytest

from tests.cli.command import Command
from vosctl.evaluation import checkup
from vosctl.evaluation.checkup import SIZE, made_up_clip
from vosctl.systems.model import Model

_OPTIONS = ("doctor", "--device", "cpu", "--backbone-weights")


def test_a_cpu_that_works(vosctl: Command) -> None:
    result = vosctl(*_OPTIONS, vosctl.backbone, "--json")
    assert result.code == 0
    found = json.loads(result.out)
    assert found["error"] is None
    checks = {check["name"]: check for check in found["checks"]}
    assert list(checks)[:5] == ["device", "float32", "bfloat16", "float16", "transfer"]
    assert checks["float32"]["ok"] is True
    assert checks["transfer"]["found"] == "nothing to transfer"
    assert "of the pixels as drawn" in checks["CPU, float32"]["found"]
    assert found["machine"]["torch"]
    assert (
        "multiplies bfloat16 no faster" in found["machine"]["dtype"] or "has a" in found["machine"]["dtype"]
    )


def test_labels_that_differ_are_wrong(vosctl: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    _, truth = made_up_clip()
    given = iter([truth, [np.zeros_like(one) for one in truth]])

    def labels(_: Model) -> tuple[list[np.ndarray], float]:
        return next(given), 1.0

    monkeypatch.setattr(checkup, "_labels", labels)
    monkeypatch.setattr("vosctl.compute.devices.fast_bf16", lambda: "amx_bf16")
    result = vosctl(*_OPTIONS, vosctl.backbone)
    assert result.code == 2
    assert "does not compute what it should: CPU, auto" in result.error
    assert "WRONG" in result.out
    assert "the processor has amx_bf16" in result.out


def test_a_dtype_that_does_not_work_is_wrong(vosctl: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    _, truth = made_up_clip()
    monkeypatch.setattr(checkup, "_labels", lambda _: (truth, 1.0))
    monkeypatch.setattr("vosctl.compute.devices.fast_bf16", lambda: None)
    monkeypatch.setattr(checkup, "fault_of", lambda *_: "no such instruction")
    result = vosctl(*_OPTIONS, vosctl.backbone)
    assert result.code == 2
    assert "should: float32; use --device cpu" in result.error


def test_the_made_up_clip_has_two_whole_objects_in_each_frame() -> None:
    pictures, labels = made_up_clip()
    for picture, label in zip(pictures, labels, strict=True):
        assert picture.shape == (SIZE[1], SIZE[0], 3)
        assert np.bincount(label.ravel()).tolist()[1:] == [1009, 1009]


def test_a_device_that_is_not_there_ends_it(vosctl: Command) -> None:
    result = vosctl("doctor", "--device", "cuda:99")
    assert result.code == 2
    assert "--device cuda:99" in result.error
