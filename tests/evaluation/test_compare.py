from dataclasses import replace

import pytest

from vosctl.errors import UsageError
from vosctl.evaluation.compare import compare

from .small_results import small_result


def test_each_sequence_and_all_with_the_difference():
    comparison = compare(small_result(), small_result(shift=0.1))
    assert [row.name for row in comparison.rows] == ["bear", "camel"]
    row = comparison.rows[0]
    assert (row.a.j.mean, row.b.j.mean) == (pytest.approx(0.65), pytest.approx(0.7))
    assert row.difference == pytest.approx(0.025)
    assert (row.a_fps, row.b_fps) == (2.0, 2.0)
    assert comparison.total.difference == pytest.approx(0.025)
    assert comparison.total.a_fps == pytest.approx(3.0)
    assert comparison.left_out == ()


def test_sequences_of_one_run_alone_are_left_out_of_the_total():
    comparison = compare(small_result(), small_result(names=("bear", "dog"), run=False))
    assert [row.name for row in comparison.rows] == ["bear"]
    assert comparison.left_out == ("camel", "dog")
    assert comparison.total.a.j.mean == pytest.approx(0.65)
    assert comparison.total.b_fps is None


def test_what_cannot_be_compared():
    with pytest.raises(UsageError, match="cannot compare davis17 with davis16"):
        compare(small_result(), replace(small_result(), dataset="davis16"))
    with pytest.raises(UsageError, match="nothing to compare"):
        compare(small_result(), small_result(names=("dog", "cat")))
    with pytest.raises(UsageError, match="nothing to compare"):
        compare(small_result(), small_result(scored=False))
